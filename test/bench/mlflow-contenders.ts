// Stock `mlflow server`, the same with uvloop, and Trueloop, each with the same runs and the same long series in it; and what they hold of memory.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { z } from 'zod'
import { loadConfig } from '../../src/app/config.ts'
import { openContext } from '../../src/app/context.ts'
import { newestVenv, uvloopVenv } from '../interop/mlflow/environments.ts'
import { startStock, startTrueloop, type MlflowServer } from '../interop/mlflow/servers.ts'
import type { Postgres } from '../postgres.ts'
import { benchRun, fillRuns } from './mlflow-runs.ts'
import { childrenOf, memoryOf } from './processes.ts'

/** A server and the ids that requests to it name. */
export interface Contender {
  readonly title: string
  readonly server: MlflowServer
  /** An experiment for what the benchmark writes. */
  readonly experiment: string
  /** A run of a series of many points, where it was filled. */
  readonly series: string | undefined
  /** Of all the runs to search, where it was filled. */
  readonly experiments: readonly string[]
}

export interface Sizes {
  readonly runs: number
  readonly points: number
  /** Trueloop's program: the sources by default. */
  readonly entry?: string
}

const experimentNames = ['bench-large', 'bench-medium', 'bench-small']
const seriesKey = 'curve'
const perBatch = 1000

export async function openContenders(
  postgres: Postgres | undefined,
  sizes: Sizes,
): Promise<{ contenders: readonly Contender[] } & AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  try {
    const stock = stack.use(await startStock({ postgres, venv: await newestVenv() }))
    const uvloop = stack.use(await startStock({ postgres, venv: await uvloopVenv() }))
    const trueloop = stack.use(
      await startTrueloop({ postgres, entry: sizes.entry, prepare: (environment) => fillHome(environment, sizes) }),
    )
    const contenders = [
      { title: 'stock', server: stock, ...(await fillStock(stock, sizes)) },
      { title: 'stock with uvloop', server: uvloop, series: undefined, experiments: [], ...(await writeTo(uvloop)) },
      { title: 'Trueloop', server: trueloop, ...(await fillSeries(trueloop, sizes)) },
    ]
    return { contenders, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function fillHome(environment: Readonly<Record<string, string>>, { runs }: Sizes): Promise<void> {
  const known = Object.entries(environment).filter(([name]) => name.startsWith('TRUELOOP_'))
  await using context = await openContext(loadConfig({ ...Object.fromEntries(known), TRUELOOP_LOG_LEVEL: 'warn' }))
  const { db, clock, ids } = context
  await fillRuns(db, { name: 'bench', clock, ids }, runs)
}

async function fillStock(stock: MlflowServer, { runs, points }: Sizes): Promise<Omit<Contender, 'title' | 'server'>> {
  const { experiment } = await writeTo(stock)
  const series = await createRun(stock, experiment)
  const experiments: string[] = []
  for (const name of experimentNames) experiments.push(await createExperiment(stock, name))
  const { python } = await newestVenv()
  const script = join(import.meta.dirname, 'mlflow_fill.py')
  const child = spawn(python, [script, stock.store, series, String(points)], { stdio: ['pipe', 'inherit', 'inherit'] })
  const ended = once(child, 'exit')
  for (let at = 0; at < runs; at++) {
    const { experiment: name, ...run } = benchRun(at)
    const id = createHash('sha256').update(`run ${at}`).digest('hex').slice(0, 32)
    const tags = { ...run.tags, 'mlflow.runName': run.name }
    const startMs = 1_700_000_000_000 + at * 1000
    const line = { ...run, tags, id, startMs, experiment: experiments[experimentNames.indexOf(name)] }
    if (!child.stdin.write(`${JSON.stringify(line)}\n`)) await once(child.stdin, 'drain')
  }
  child.stdin.end()
  const [code] = (await ended) as [number | null]
  if (code !== 0) throw new Error(`filling the stock server ended with ${code}`)
  return { experiment, series, experiments }
}

/** Through the API, in batches of a thousand points. */
async function fillSeries(server: MlflowServer, { points }: Sizes): Promise<Omit<Contender, 'title' | 'server'>> {
  const { experiment } = await writeTo(server)
  const series = await createRun(server, experiment)
  for (let from = 0; from < points; from += perBatch) {
    const metrics = Array.from({ length: Math.min(perBatch, points - from) }, (_, at) => {
      const step = from + at
      return { key: seriesKey, value: step / points, timestamp: 1_700_000_000_000 + step, step }
    })
    await call(server, 'runs/log-batch', { run_id: series, metrics })
  }
  const experiments: string[] = []
  for (const name of experimentNames) experiments.push(await findExperiment(server, name))
  return { experiment, series, experiments }
}

async function writeTo(server: MlflowServer): Promise<Pick<Contender, 'experiment'>> {
  return { experiment: await createExperiment(server, 'bench-writes') }
}

/** Stock closes kept connections after five seconds, also one that a request is on its way on. */
export const ownConnection = { connection: 'close' }

export async function call(server: Pick<MlflowServer, 'url'>, path: string, body: unknown): Promise<unknown> {
  const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
    method: 'POST',
    headers: { ...ownConnection, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}: ${text}`)
  return JSON.parse(text)
}

async function createExperiment(server: MlflowServer, name: string): Promise<string> {
  const answer = z.object({ experiment_id: z.string() })
  return answer.parse(await call(server, 'experiments/create', { name })).experiment_id
}

async function findExperiment(server: MlflowServer, name: string): Promise<string> {
  const answer = z.object({ experiment: z.object({ experiment_id: z.string() }) })
  const response = await fetch(`${server.url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=${name}`, {
    headers: ownConnection,
  })
  return answer.parse(await response.json()).experiment.experiment_id
}

export async function createRun(server: MlflowServer, experiment: string): Promise<string> {
  const answer = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) })
  return answer.parse(await call(server, 'runs/create', { experiment_id: experiment, start_time: 1 })).run.info.run_id
}

/** Of the process and all that it started; what they share is counted once. */
export function residentBytes({ pid }: Pick<MlflowServer, 'pid'>): number {
  const all = (of: number): number[] => [of, ...childrenOf(of).flatMap(all)]
  const pids = all(pid)
  if (pids.length === 1) return memoryOf(pid).residentBytes
  return pids.reduce((sum, one) => sum + memoryOf(one).proportionalBytes, 0)
}
