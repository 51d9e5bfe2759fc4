// A home with a hundred thousand runs, as a search meets them: several metrics, params, tags and a dataset each. By hand: node test/bench/mlflow-runs.ts <home> [runs]
import { createHash } from 'node:crypto'
import { loadConfig } from '../../src/app/config.ts'
import { openContext } from '../../src/app/context.ts'
import { createExperiment } from '../../src/experiments/experiments.ts'
import { logBatch } from '../../src/experiments/log-batch.ts'
import { startRun, type RecordingTables } from '../../src/experiments/recording.ts'
import { logDatasets } from '../../src/experiments/run-links.ts'
import type { Actor } from '../../src/governance/audit.ts'
import { transact, type Connection, type Transaction } from '../../src/platform/database.ts'

const perTransaction = 500
/** Of the first run; each starts a second after the one before. */
const startMs = 1_700_000_000_000
const experimentNames = ['bench-large', 'bench-medium', 'bench-small'] as const

/**
 * What run `at` holds, the same each time. `m0` to `m2` are of all runs and independent, `m3` is `1 - m0`; `m4` to `m9` are of fewer and fewer,
 * `rare` of one in 2000. `p0` has ten values, `p1` a thousand, `p2` one of its own in each run; every run has a name of its own.
 */
export function benchRun(at: number) {
  const random = (what: string): number =>
    createHash('sha256').update(`${what} ${at}`).digest().readUInt32LE() / 2 ** 32
  const m0 = random('m0')
  const others = ['m4', 'm5', 'm6', 'm7', 'm8', 'm9'].slice(0, Math.floor(random('metrics') * 7))
  const metrics = {
    m0,
    m1: random('m1'),
    m2: random('m2'),
    ...(others.length > 0 ? { m3: 1 - m0 } : {}),
    ...Object.fromEntries(others.map((key) => [key, random(key)])),
    ...(at % 2000 === 7 ? { rare: random('rare') } : {}),
  }
  const p1 = Math.floor(random('p1') * 1000)
  const params = {
    p0: `v${Math.floor(random('p0') * 10)}`,
    p1: `lr-${p1}`,
    p2: `unique-${at}-${Math.floor(random('p2') * 1e6)}`,
    ...(random('p3') < 0.5 ? { p3: `depth ${Math.floor(random('depth') * 20)}` } : {}),
    ...(random('p4') < 0.3 ? { p4: 'x'.repeat(Math.floor(random('length') * 500)) } : {}),
  }
  const tags = {
    team: `team-${Math.floor(random('team') * 20)}`,
    'mlflow.source.name': `train_${Math.floor(random('source') * 50)}.py`,
    ...(random('note') < 0.4 ? { note: `Note ${Math.floor(random('text') * 1e5)} of run ${at}` } : {}),
  }
  const experiment = experimentNames[at % 1000 === 3 ? 2 : at % 10 === 1 ? 1 : 0]!
  return { experiment, name: `${['bold', 'calm', 'keen', 'wise'][at % 4]!}-finch-${at}`, metrics, params, tags }
}

type Trx = Transaction<RecordingTables>

/** About a minute for a hundred thousand on SQLite. */
export async function fillRuns(db: Connection<RecordingTables>, actor: Actor, count: number): Promise<void> {
  const experiments = new Map<string, number>()
  for (const name of experimentNames) {
    const { id } = await transact(db, (trx) => createExperiment(trx, actor, { name }))
    experiments.set(name, id)
  }
  for (let from = 0; from < count; from += perTransaction) {
    await transact(db, async (trx) => {
      for (let at = from; at < Math.min(count, from + perTransaction); at++)
        await fillRun(trx, actor, { at, experiments })
    })
  }
}

async function fillRun(
  trx: Trx,
  actor: Actor,
  { at, experiments }: { at: number; experiments: ReadonlyMap<string, number> },
): Promise<void> {
  const { experiment, name, metrics, params, tags } = benchRun(at)
  const startedAtMs = startMs + at * 1000
  const id = createHash('sha256').update(`run ${at}`).digest('hex').slice(0, 32)
  const withName = { ...tags, 'mlflow.runName': name }
  await startRun(trx, actor, {
    id,
    experiment: experiments.get(experiment)!,
    name,
    startedAtMs,
    params,
    tags: withName,
  })
  const points = Object.entries(metrics).map(([key, value]) => ({ key, step: 0, atMs: startedAtMs, value }))
  await logBatch(trx, id, { metrics: points })
  const dataset = {
    name: `data-${at % 20}`,
    digest: `d${at % 20}`,
    sourceType: 'local',
    source: '{}',
    schema: null,
    profile: null,
  }
  const input = { dataset, tags: { 'mlflow.data.context': at % 3 === 0 ? 'test' : 'train' } }
  await logDatasets(trx, actor, { runId: id, datasets: [input], modelIds: [] })
}

if (import.meta.main) {
  const [home, runs = '100000'] = process.argv.slice(2)
  if (home === undefined) throw new Error('node test/bench/mlflow-runs.ts <home> [runs]')
  await using context = await openContext(loadConfig({ ...process.env, TRUELOOP_HOME: home }))
  const { db, clock, ids } = context
  await fillRuns(db, { name: 'bench', clock, ids }, Number(runs))
}
