// From one prediction to everything behind it, over HTTP alone: the lineage graph says where to look, each noun's own route says what is there.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { z } from 'zod'
import { pathOf } from '../../src/client/http-client.ts'
import { DatasetVersion } from '../../src/data/dataset.ts'
import { Manifest } from '../../src/data/manifest.ts'
import { WireRun } from '../../src/experiments/run.ts'
import { StoredGate } from '../../src/models/gate-store.ts'
import { ModelVersion } from '../../src/models/model-version.ts'
import { openTables } from '../../src/platform/tables.ts'
import { literal } from '../../src/platform/tables-sql.ts'
import { Rollout, RolloutVerdict } from '../../src/rollouts/rollout.ts'
import type { Answered } from './callers.ts'
import { historyOf, type Home } from './harness.ts'
import { firstDayMs, dayMs, loansOf } from './loans.ts'

const Edge = z.object({ upstream: z.string(), downstream: z.string(), relation: z.string() })
const Predicted = z.object({
  prediction: z.object({ id: z.string(), version: z.string(), output: z.array(z.number()), lineageNode: z.string() }),
  outcome: z.object({ value: z.union([z.number(), z.string(), z.boolean()]) }).nullable(),
})
const AuditEvent = z.object({ actor: z.string(), action: z.string(), subject: z.string(), detail: z.unknown() })

/** Walks from a prediction whose outcome is known, answered by the loop's second version. */
export async function expectLineage(home: Home, answered: Answered): Promise<void> {
  const { client } = home
  const { prediction, outcome } = await client.call({
    path: pathOf`/predictions/${answered.predictionId}`,
    answer: Predicted,
  })
  expect(prediction.version).toBe(answered.version)
  expect(prediction.output.at(-1)).toBeCloseTo(answered.probability, 6)
  expect(outcome?.value).toBe(answered.loan.defaulted)

  const nodes = await walk(home, { node: prediction.lineageNode, direction: 'upstream' })
  const [, number] = prediction.version.split('/')
  const version = await client.call({ path: pathOf`/models/loans/versions/${number!}`, answer: ModelVersion })
  const { runId, datasetVersion, pipelineRunId } = version
  expect(nodes).toContain(`model_version:${prediction.version}`)
  expect(nodes).toContain(`run:${runId}`)
  expect(nodes).toContain(`dataset_version:${datasetVersion}`)
  expect(nodes).toContain(`pipeline_run:${pipelineRunId}`)

  await expectRun(home, version)
  await expectRows(home, version)
  await expectJudgement(home, version, nodes)
  const ofRows = await walk(home, { node: `dataset_version:${datasetVersion}`, direction: 'downstream' })
  expect(ofRows, 'and the rows lead forward to the prediction').toContain(prediction.lineageNode)
}

async function walk(
  { client }: Home,
  query: { node: string; direction: 'upstream' | 'downstream' },
): Promise<Set<string>> {
  const edges = await client.call({ path: '/lineage', query, answer: z.array(Edge) })
  return new Set(edges.map((edge) => edge[query.direction]))
}

async function expectRun({ client }: Home, version: ModelVersion): Promise<void> {
  const run = await client.call({ path: pathOf`/runs/${version.runId ?? ''}`, answer: WireRun })
  expect(run).toMatchObject({
    state: 'finished',
    experiment: 'loans',
    pipelineRunId: version.pipelineRunId,
    inputs: [{ datasetVersion: version.datasetVersion, role: 'training' }],
  })
  expect(run.params).toMatchObject({ trainer: 'gradient_boosting', iterations: '15' })
  expect(run.environment, 'what it ran on').toMatchObject({ nodeVersion: process.version })
  expect(Object.keys(run.metrics)).toContain('holdout.auc')
  const onnx = run.artifacts.find(({ name }) => name === 'model.onnx')
  expect(onnx?.blob.digest, 'the bytes that serve are the bytes that the run made').toBe(version.digest)
}

/** The rows that it learned from, out of the stored parts: those that the test wrote for these days, and no others. */
async function expectRows({ client, url }: Home, { datasetVersion, trainedOn }: ModelVersion): Promise<void> {
  const [dataset, number] = datasetVersion!.split('/') as [string, string]
  const path = pathOf`/datasets/${dataset}/versions/${number}`
  const stored = await client.call({ path, answer: DatasetVersion })
  const manifest = await client.call({ path: `${path}/manifest`, answer: Manifest })
  expect(manifest.rows).toBe(stored.rows)
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-lineage-'))
  try {
    for (const { blob } of manifest.parts) {
      const response = await fetch(new URL(`/api/blobs/${blob}`, url))
      await writeFile(join(folder, `${blob}.parquet`), new Uint8Array(await response.arrayBuffer()))
    }
    await using tables = await openTables({ memoryLimitBytes: 64 * 1024 * 1024, tempDirectory: folder, threads: 1 })
    const { fromMs, toMs } = trainedOn!
    const [found] = await tables.rows(
      `select count(*) as n, sum(amount) as amount, sum(defaulted) as defaulted from read_parquet(${literal(join(folder, '*.parquet'))})
       where epoch_ms(time) >= ${fromMs} and epoch_ms(time) < ${toMs}`,
    )
    const days = Array.from({ length: (toMs - fromMs) / dayMs }, (_, at) => (fromMs - firstDayMs) / dayMs + at)
    const written = days.flatMap((day) => loansOf(day))
    expect(Number(found!['n'])).toBe(written.length)
    expect(Number(found!['amount'])).toBeCloseTo(
      written.reduce((sum, { amount }) => sum + amount, 0),
      3,
    )
    expect(Number(found!['defaulted'])).toBe(written.reduce((sum, { defaulted }) => sum + defaulted, 0))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The gate's results, the rollout's verdicts, and who approved and promoted it: as the history, the nouns and the audit log say. */
async function expectJudgement(home: Home, version: ModelVersion, nodes: ReadonlySet<string>): Promise<void> {
  const { client } = home
  const subject = `loans/${version.version}`
  const story = (await historyOf(home, 'loans')).filter(({ evidence }) => evidence['modelVersion'] === subject)
  const gateId = story.find(({ kind }) => kind === 'gate_passed')?.evidence['gate']
  expect(nodes).toContain(`gate:${gateId}`)
  const gate = await client.call({ path: pathOf`/gates/${gateId!}`, answer: StoredGate })
  expect(gate).toMatchObject({ passed: true, version: version.version, champion: 1, judgedBy: version.approvedBy })
  expect(gate.checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['rows', 'metric:auc', 'champion']))
  const champion = gate.checks.find(({ name }) => name === 'champion')
  expect(champion).toMatchObject({ passed: true, interval: { confidence: 0.95 }, n: loansOf(0).length })
  expect(nodes, 'the held-out rows are rows of a stored version too').toContain(
    `dataset_version:${gate.datasetVersion}`,
  )

  const rolloutId = story.find(({ kind }) => kind === 'promoted')?.evidence['rollout']
  const rollout = await client.call({ path: pathOf`/rollouts/${rolloutId!}`, answer: Rollout })
  expect(rollout).toMatchObject({ state: 'promoted', champion: 1, challenger: version.version })
  // Before the promotion the former champion was asked, in a process of its own, what it had said of its examples.
  expect(rollout.rehearsal).toMatchObject({ version: `${rollout.model}/1`, passed: true })
  expect(rollout.rehearsal!.examples).toBeGreaterThan(10)
  const answer = z.object({ verdicts: z.array(RolloutVerdict) })
  const { verdicts } = await client.call({ path: pathOf`/rollouts/${rolloutId!}/verdicts`, answer })
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(expect.arrayContaining(['advance', 'promote']))
  expect(new Set(verdicts.map(({ phase }) => phase))).toEqual(new Set(['shadow', 'canary']))

  const audit = (of: string) => client.call({ path: '/audit', query: { subject: of }, answer: z.array(AuditEvent) })
  const actions = (await audit(subject)).map(({ action, actor }) => `${action} by ${actor}`)
  for (const action of ['model.register', 'gate.judge', 'model_version.judge'])
    expect(actions).toContain(`${action} by ${version.approvedBy}`)
  const moves = (await audit('loans@champion')).filter(({ action }) => action === 'alias.move')
  expect(moves.map(({ detail }) => detail)).toContainEqual(
    expect.objectContaining({ from: 1, to: version.version, reason: expect.stringContaining(rollout.id) as string }),
  )
}
