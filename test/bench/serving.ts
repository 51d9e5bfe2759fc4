// One row over HTTP: our gateway beside a plain node:http loop with `session.run` for each request, same models, same number of workers, in turn.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { assertClose, medianOf, times, type Bench, type Section } from './bench.ts'
import { prepareHome, startRole } from './home.ts'
import type { LoadResult } from './load.ts'
import { startPlainServer } from './plain.ts'
import type { PlainModel } from './plain-server.ts'
import { cpuSumOf, nodeAnswer, settled, workersOf } from './processes.ts'
import { servedModels, type ServedModel } from './serving-models.ts'

/** A server under load: where it is, who answers, and who else works for it. */
interface Side {
  readonly name: string
  readonly url: string
  readonly primary: number
  /** Processes besides the primary and its workers: the control plane that takes in every prediction. */
  readonly others: readonly number[]
}

interface Round extends LoadResult {
  /** CPU of the workers a request, microseconds. */
  readonly workerMicros: number
  /** CPU of all processes of the side a request, until they had nothing left to do. */
  readonly allMicros: number
}

const connections = 32
const workers = Math.min(2, availableParallelism())
const durations = { full: { warmUpMs: 2_000, measuredMs: 6_000 }, smoke: { warmUpMs: 200, measuredMs: 500 } }

export const servingBench: Bench = async (options) => {
  const models = await servedModels(options.isSmoke)
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-bench-serving-'))
  try {
    await using home = await prepareHome(models)
    await using server = await startRole(home, 'server')
    await using gateway = await startRole(home, 'gateway', { workers })
    await using plain = await startPlain(models, directory)
    const ours = { name: 'Trueloop', url: gateway.url, primary: gateway.pid, others: [server.pid] }
    const sides: Side[] = [ours, plain]
    for (const model of models) await assertSameAnswers(sides, model)
    const rows: string[][] = []
    for (const model of models) rows.push(...(await compare(sides, model, { ...options, directory })))
    return sectionOf(rows, await droppedPredictions(gateway.url))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function startPlain(models: readonly ServedModel[], directory: string): Promise<Side & AsyncDisposable> {
  const plainModels: PlainModel[] = []
  for (const { name, onnx, signature } of models) {
    const file = join(directory, `${name}.onnx`)
    await writeFile(file, onnx)
    const inputs = Object.fromEntries(signature.inputs.map((input) => [input.name, input.type as 'float']))
    plainModels.push({ name, file, inputs })
  }
  const { url, pid, ...server } = await startPlainServer(plainModels, { directory, workers })
  return { ...server, name: 'plain `node:http` + `session.run`', url, primary: pid, others: [] }
}

interface Answer {
  readonly outputs?: readonly { readonly name: string; readonly data: readonly number[] }[]
}

/** Both sides give the same probabilities for every request that the load will send. */
async function assertSameAnswers(sides: readonly Side[], { name, bodies }: ServedModel): Promise<void> {
  for (const { url } of sides) {
    if (!(await answersTo(`${url}/v2/models/${name}/infer`, bodies[0]!)))
      throw new Error(`${url} does not serve ${name}`)
  }
  for (const body of bodies) {
    const [ours, theirs] = await Promise.all(
      sides.map(async ({ url }) => {
        const response = await fetch(`${url}/v2/models/${name}/infer`, { method: 'POST', body })
        const answer = (await response.json()) as Answer
        return answer.outputs?.find((output) => output.name === 'probabilities')?.data ?? []
      }),
    )
    if (ours!.length !== 2) throw new Error(`"${name}" gave ${ours!.length} probabilities`)
    for (const at of [0, 1]) assertClose(`an answer of ${name}`, [ours![at]!, theirs![at] ?? Number.NaN], 1e-6)
  }
}

/** Waits for a model that the gateway has still to fetch. */
async function answersTo(url: string, body: string): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(url, { method: 'POST', body })
    await response.arrayBuffer()
    if (response.ok) return true
    await wait(50)
  }
  return false
}

async function compare(
  sides: readonly Side[],
  model: ServedModel,
  { isSmoke, rounds, say, directory }: Parameters<Bench>[0] & { directory: string },
): Promise<string[][]> {
  const bodiesFile = join(directory, `${model.name}.json`)
  await writeFile(bodiesFile, JSON.stringify(model.bodies))
  const { warmUpMs, measuredMs } = durations[isSmoke ? 'smoke' : 'full']
  const found = new Map<Side, Round[]>(sides.map((side) => [side, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const [side, results] of found) {
      const args = [`${side.url}/v2/models/${model.name}/infer`, connections, warmUpMs, measuredMs, bodiesFile]
      const result = await loadOnce(side, args.map(String))
      say(`${model.name}, ${side.name}, round ${round} of ${rounds}: ${perSecond(result).toFixed(0)} requests/s`)
      results.push(result)
    }
  }
  const plainRate = medianOf(found.get(sides[1]!)!, perSecond)
  return [...found].map(([{ name }, results]) => {
    const rate = medianOf(results, perSecond)
    return [
      `${model.about}: ${name}`,
      Math.round(rate).toLocaleString('en'),
      ...[medianOf(results, ({ p50 }) => p50), medianOf(results, ({ p99 }) => p99)].map((ms) => `${ms.toFixed(2)} ms`),
      `${medianOf(results, ({ workerMicros }) => workerMicros).toFixed(1)} us`,
      `${medianOf(results, ({ allMicros }) => allMicros).toFixed(1)} us`,
      times(rate / plainRate),
    ]
  })
}

const perSecond = ({ requests, measuredMs }: LoadResult): number => (requests * 1000) / measuredMs

async function loadOnce({ primary, others }: Side, args: readonly string[]): Promise<Round> {
  const pids = workersOf(primary)
  const workersUsed = cpuSumOf(pids)
  const allUsed = cpuSumOf([primary, ...pids, ...others])
  const [workersBefore, allBefore] = [workersUsed(), allUsed()]
  const result = await nodeAnswer<LoadResult>(join(import.meta.dirname, 'load.ts'), args)
  if (result.failures > 0) throw new Error(`${result.failures} of ${result.total} requests failed`)
  const workerMs = workersUsed() - workersBefore
  await settled(allUsed)
  if (workersOf(primary).join() !== pids.join()) throw new Error('the workers were replaced under load')
  const micros = (ms: number): number => (ms * 1000) / result.total
  return { ...result, workerMicros: micros(workerMs), allMicros: micros(allUsed() - allBefore) }
}

/** Predictions that the gateway answered and did not log, since its buffers were full. */
async function droppedPredictions(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const found = [...text.matchAll(/^trueloop_predictions_dropped_total(?:\{[^\}]*\})? (?<count>[\d.e+]+)$/gmv)]
  if (found.length === 0) throw new Error('the gateway does not tell how many predictions it dropped from its log')
  return found.reduce((sum, { groups }) => sum + Number(groups?.['count']), 0)
}

function sectionOf(rows: readonly string[][], dropped: number): Section {
  return {
    title: 'One-row inference over HTTP',
    about: `The gateway beside the loop that one would write by hand (\`test/bench/plain-server.ts\`): \`node:http\` under \`node:cluster\`, each request parsed and given to the public \`session.run\`. Same graphs, ${workers} workers each, ${connections} kept connections, a request in flight on each, from a load generator in a process of its own on the same machine.`,
    head: [
      '',
      'requests/s',
      'p50',
      'p99',
      'CPU a request, workers',
      'CPU a request, all processes',
      'requests/s, to plain',
    ],
    rows,
    notes: [
      'Open Inference Protocol, JSON. Both sides are asserted to give the same probabilities (1e-6) for all requests that are sent, and no request may fail.',
      'Ours checks every request, counts it into the monitors’ bins and metrics, and logs predictions (share 1); the control plane stores them at the same time on the same cores. The plain loop does none of it.',
      `Answers that were not logged since the buffers were full: ${dropped.toLocaleString('en')} in all rounds together.`,
      'CPU is user and system time of the server processes by the kernel’s accounts, over all requests. "All processes" has the primary and, for ours, the control plane, until it has stored the last prediction.',
    ],
  }
}
