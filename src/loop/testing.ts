// For tests: a small loop, and the stages it commands as a script that answers with the events that the real ones write.
import { insertVersion, type DatasetTables } from '../data/dataset-store.ts'
import { dataMigrations } from '../data/migrations.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import type { Actor } from '../governance/audit.ts'
import { modelMigrations } from '../models/migrations.ts'
import { monitoringMigrations } from '../monitoring/migrations.ts'
import { transact, type Connection, type Migrations } from '../platform/database.ts'
import { appendEvent, eventMigrations, type EventTables } from '../platform/events.ts'
import { servingMigrations } from '../serving/migrations.ts'
import { applyLoop, type Applied, type ApplyTables } from './apply.ts'
import type { LoopActions } from './actions.ts'
import { binary, dataset, gradientBoosting, loop, monitor, parquet, retrain, rollout } from './index.ts'
import type { LoopOptions } from './builders/loop.ts'
import { loopMigrations } from './migrations.ts'
import type { LoopSpec } from './spec.ts'

export const loopTestMigrations: Migrations = {
  ...eventMigrations,
  ...governanceMigrations,
  ...dataMigrations,
  ...modelMigrations,
  ...servingMigrations,
  ...monitoringMigrations,
  ...loopMigrations,
}

export const applyTestLoop = (db: Connection<ApplyTables>, actor: Actor, spec = testLoop()): Promise<Applied> =>
  applyLoop(db, actor, { spec })

/** The flights, shortened; `change` replaces fields. */
export function testLoop(change: Partial<LoopOptions> = {}): LoopSpec {
  return loop({
    name: 'flights',
    clock: 'event',
    dataset: dataset('flights', { source: parquet('flights.parquet'), timeColumn: 'date' }),
    target: binary('delay', '>', 15),
    labelDelay: '1d',
    features: ['date', 'distance'],
    training: {
      trainer: gradientBoosting(),
      firstWindow: ['2001-01-01', '2001-02-01'],
      window: '28d',
      holdout: '7d',
    },
    monitors: [monitor.calibration({ window: '28d' })],
    rollout: rollout.shadowThenCanary(),
    retrain: retrain({ on: 'calibration', cooldown: '14d', budget: { retrains: 4, per: '180d' } }),
    ...change,
  })
}

export interface ScriptedStages extends LoopActions {
  /** Every call, in order, as `verb commandId`. */
  readonly calls: string[]
  /** What was really begun, by command id: a repeated call adds nothing. */
  readonly begun: ReadonlyMap<string, string>
  /** Called before each action; throw to have it fail. */
  interrupt: (verb: string) => void
  /** Called after it; throw to have the caller never hear of it. */
  interruptAfter: (verb: string) => void
}

/** Stages that begin work and write an event when `finish` is called, as a pipeline run that ends later does. */
export function scriptStages(): ScriptedStages {
  const calls: string[] = []
  const begun = new Map<string, string>()
  const begin = (verb: string, commandId: string): { reference: string } => {
    calls.push(`${verb} ${commandId}`)
    stages.interrupt(verb)
    const reference = begun.get(commandId) ?? `ref_${begun.size + 1}`
    begun.set(commandId, reference)
    stages.interruptAfter(verb)
    return { reference }
  }
  const stages: ScriptedStages = {
    calls,
    begun,
    interrupt: () => undefined,
    interruptAfter: () => undefined,
    startIngest: async ({ commandId }) => begin('ingest', commandId),
    startTraining: async ({ commandId }) => begin('train', commandId),
    startRollout: async ({ commandId }) => begin('roll out', commandId),
    goLive: async ({ commandId }) => void begin('go live', commandId),
    takeBack: async ({ commandId }) => void begin('take back', commandId),
  }
  return stages
}

export async function emit(db: Connection<EventTables>, type: string, payload: object): Promise<void> {
  await transact(db, (trx) => appendEvent(trx, { type, subject: 'test', payload, atMs: 0 }))
}

/** A version of the flights as data records it, with its event; `timeMax` is ISO text. */
export async function arrive(
  db: Connection<DatasetTables & EventTables>,
  { version, rows, timeMax }: { version: number; rows: number; timeMax: string },
): Promise<void> {
  const digest = String(version).padStart(64, '0')
  const base = { dataset: 'flights', version, digest, rows, quarantinedRows: 10 }
  const column = {
    name: 'date',
    type: 'timestamp' as const,
    nulls: 0,
    infinite: 0,
    distinct: 9,
    exact: true,
    min: timeMax,
    max: timeMax,
  }
  const rest = {
    mean: null,
    sd: null,
    quantiles: [],
    top: [],
    histogram: { from: 0, to: Date.parse(timeMax), counts: [rows] },
  }
  const stored = {
    ...base,
    manifestBlob: digest,
    bytes: 1,
    parts: 1,
    columns: [{ name: 'date', type: 'timestamp' as const }],
    timeColumn: 'date',
    keyColumns: [],
    quarantineBlob: null,
    createdAtMs: 0,
    createdBy: 'test',
  }
  await transact(db, async (trx) => {
    await insertVersion(trx, stored, { rows, columns: [{ ...column, ...rest }] })
    const subject = `flights/${version}`
    await appendEvent(trx, { type: 'dataset.version_created', subject, payload: base, atMs: 0 })
  })
}
