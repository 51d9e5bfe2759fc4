// For tests: an engine on a real database whose steps are real processes.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { governanceMigrations } from '../../governance/migrations.ts'
import { testActor } from '../../governance/testing.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Connection, Migrations } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { createIds } from '../../platform/ids.ts'
import { jobMigrations } from '../../platform/jobs.ts'
import { silentLog } from '../../platform/log.ts'
import { createTestDatabase, type TestDatabase } from '../../platform/testing.ts'
import { startPipelineEngine, type EngineOptions, type PipelineEngine } from '../engine.ts'
import { pipelineMigrations } from '../migrations.ts'
import type { PipelineRunDetail } from '../pipeline-run.ts'
import type { PipelineSpecInput } from '../pipeline.ts'
import { getPipelineRun } from '../run-start.ts'
import { spawnDetached } from '../step-spawn.ts'
import type { EngineTables } from '../step-transitions.ts'
import { testEngineKinds } from './kinds.ts'

export const engineMigrations: Migrations = {
  ...eventMigrations,
  ...governanceMigrations,
  ...jobMigrations,
  ...pipelineMigrations,
}

const entry = join(import.meta.dirname, 'step-entry.ts')
const pollMs = 20

export interface EngineFixture extends AsyncDisposable {
  readonly db: TestDatabase<EngineTables>
  readonly directory: string
  engine: PipelineEngine
  run(steps: PipelineSpecInput['steps']): Promise<string>
  /** Waits until the run is over. */
  finished(id: string): Promise<PipelineRunDetail>
  until<T>(look: () => Promise<T | undefined | false>): Promise<T>
  /** Lines that traced steps wrote. */
  trace(): Promise<string[]>
  readonly tracePath: string
  /** Stops the engine as an orderly restart does, steps left running, and starts another. */
  restart(): Promise<void>
}

export const engineOptions = (db: Connection<EngineTables>, directory: string): EngineOptions<EngineTables> => ({
  db,
  kinds: testEngineKinds as EngineOptions<EngineTables>['kinds'],
  clock: systemClock,
  ids: createIds(),
  log: silentLog,
  attemptsDirectory: join(directory, 'attempts'),
  owner: 'test-home',
  environmentDigest: 'e',
  spawn: (attempt) =>
    spawnDetached({
      argv: [process.execPath, entry, attempt.directory],
      directory: attempt.directory,
      env: {},
    }),
})

export async function createEngineFixture(options: Partial<EngineOptions<EngineTables>> = {}): Promise<EngineFixture> {
  const db = await createTestDatabase<EngineTables>(engineMigrations)
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-engine-'))
  const start = (): Promise<PipelineEngine> => startPipelineEngine({ ...engineOptions(db, directory), ...options })
  const tracePath = join(directory, 'trace')
  const until: EngineFixture['until'] = async (look) => {
    for (;;) {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
      await wait(pollMs)
    }
  }
  const fixture: EngineFixture = {
    db,
    directory,
    tracePath,
    until,
    engine: await start(),
    run: (steps) => fixture.engine.startRun(db, testActor(), { spec: { name: 'test', steps }, reason: 'a test' }),
    finished: (id) =>
      until(async () => {
        const run = await getPipelineRun(db, id)
        return run.finishedAtMs !== null && run
      }),
    trace: async () => (await readFile(tracePath, 'utf8').catch(() => '')).split('\n').filter(Boolean),
    async restart() {
      await fixture.engine[Symbol.asyncDispose]()
      fixture.engine = await start()
    },
    async [Symbol.asyncDispose]() {
      await fixture.engine.endSteps()
      await db[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return fixture
}
