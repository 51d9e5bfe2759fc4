// What the idle processes hold, and how soon they are ready: control plane and gateway of a fresh home.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { medianOf, megabytes, milliseconds, type Bench } from './bench.ts'
import { prepareHome, startRole, type BenchModel } from './home.ts'
import { memoryOf, workersOf } from './processes.ts'
import { servedModels } from './serving-models.ts'

interface Idle {
  readonly readyMs: number
  readonly residentBytes: number
  readonly proportionalBytes: number
}

interface Measured {
  readonly server: Idle
  readonly primary: Idle
  /** Of one worker. */
  readonly worker: Idle
}

const root = join(import.meta.dirname, '..', '..')
const workers = 2
const run = promisify(execFile)

async function measureOnce(
  models: readonly BenchModel[],
  options: { entries?: string; idleMs: number },
): Promise<Measured> {
  await using home = await prepareHome(models)
  await using server = await startRole(home, 'server', options)
  await wait(options.idleMs)
  const alone = { readyMs: server.readyMs, ...memoryOf(server.pid) }
  await using gateway = await startRole(home, 'gateway', { ...options, workers })
  await wait(options.idleMs)
  const found = workersOf(gateway.pid)
  if (found.length !== workers) throw new Error(`the gateway has ${found.length} workers, not ${workers}`)
  return {
    server: alone,
    primary: { readyMs: gateway.readyMs, ...memoryOf(gateway.pid) },
    worker: { readyMs: gateway.readyMs, ...memoryOf(found[0]!) },
  }
}

export const memoryBench: Bench = async ({ isSmoke, rounds, say }) => {
  const idleMs = isSmoke ? 300 : 5_000
  const models = isSmoke ? [] : await servedModels(false)
  const kinds: { name: string; models: readonly BenchModel[]; entries?: string }[] = [
    { name: 'TypeScript sources', models: [] },
  ]
  if (!isSmoke) {
    await run('npm', ['run', 'build'], { cwd: root })
    const entries = join(root, 'build', 'dist', 'app')
    kinds.push({ name: 'as published', models: [], entries }, { name: 'as published, two models', models, entries })
  }
  const found = new Map(kinds.map((kind) => [kind, [] as Measured[]]))
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`)
    for (const [{ models: served, entries }, results] of found) {
      results.push(await measureOnce(served, { idleMs, ...(entries === undefined ? {} : { entries }) }))
    }
  }
  const line = (name: string, results: readonly Idle[]): string[] => [
    name,
    milliseconds(medianOf(results, ({ readyMs }) => readyMs)),
    megabytes(medianOf(results, ({ residentBytes }) => residentBytes)),
    megabytes(medianOf(results, ({ proportionalBytes }) => proportionalBytes)),
  ]
  return {
    title: 'Time to ready, and memory when idle',
    about: `A home that nothing has happened in, on SQLite; the gateway with ${workers} workers. Ready: from the start of the process until its health is answered with 200. Memory ${idleMs / 1000} s later.`,
    head: ['', 'ready', 'resident', 'proportional'],
    rows: [...found].flatMap(([{ name }, results]) => [
      line(
        `control plane, ${name}`,
        results.map(({ server }) => server),
      ),
      line(
        `gateway’s primary, ${name}`,
        results.map(({ primary }) => primary),
      ),
      line(
        `one gateway worker, ${name}`,
        results.map(({ worker }) => worker),
      ),
    ]),
    notes: [
      'Resident memory counts pages that processes share (Node’s own code above all) in each of them; proportional memory divides them among those that share them, so it can be summed.',
      'The control plane is measured before the gateway starts.',
    ],
  }
}
