// For tests: a model with approved versions behind an endpoint, and traffic as gateways report it.
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { modelMigrations } from '../models/migrations.ts'
import { judgeVersion } from '../models/version-changes.ts'
import { registerVersion } from '../models/registration.ts'
import type { RegistryTables } from '../models/registry-tables.ts'
import { moveAlias } from '../models/promotion.ts'
import { monitoringMigrations } from '../monitoring/migrations.ts'
import type { MonitoringTables } from '../monitoring/tables.ts'
import { recordOutcomes } from '../monitoring/outcomes.ts'
import { recordReport } from '../monitoring/report.ts'
import { binaryFacts, testCounter, testDayMs, testPrediction, testReport } from '../monitoring/testing.ts'
import { registryVersions } from '../monitoring/version-facts.ts'
import { transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import type { EndpointTables } from '../serving/endpoint-store.ts'
import type { GatewayTables } from '../serving/gateway-intake.ts'
import { EndpointSettings } from '../serving/endpoint.ts'
import { createEndpoint, setVariants } from '../serving/endpoints.ts'
import { servingMigrations } from '../serving/migrations.ts'
import type { PredictionRecord, TrafficCounter } from '../serving/gateway-report.ts'
import { rolloutMigrations } from './migrations.ts'
import type { RolloutDatabase } from './traffic-moves.ts'

export type RolloutTestDb = TestDatabase<
  RolloutDatabase & MonitoringTables & EndpointTables & GatewayTables & RegistryTables
>

// Ids sort by time, so time goes on.
let wallMs = 1_000
export const rolloutActor = testActor('tester', () => wallMs++)

const versions = registryVersions()

/** Endpoint and model `flights` with three approved versions, the first of them champion with all traffic. */
export async function openRolloutDatabase(): Promise<RolloutTestDb> {
  const db: RolloutTestDb = await createTestDatabase({
    ...eventMigrations,
    ...governanceMigrations,
    ...modelMigrations,
    ...servingMigrations,
    ...monitoringMigrations,
    ...rolloutMigrations,
  })
  const signature = {
    task: binaryFacts.task,
    inputs: [
      { name: 'distance', type: 'double' as const, required: true },
      { name: 'origin', type: 'string' as const, required: true },
    ],
    classes: [...binaryFacts.classes],
  }
  await transact(db, async (trx) => {
    for (const version of [1, 2, 3]) {
      const digest = String(version).repeat(64)
      const { baseline } = binaryFacts
      await registerVersion(trx, rolloutActor, { model: 'flights', digest, bytes: 10, signature, baseline })
      await judgeVersion(trx, rolloutActor, { model: 'flights', version, state: 'approved', reason: 'test' })
    }
    await moveAlias(trx, rolloutActor, {
      model: 'flights',
      alias: 'champion',
      version: 1,
      expected: null,
      reason: 'first',
    })
    await createEndpoint(trx, rolloutActor, { name: 'flights', settings: EndpointSettings.parse({}) })
    const variants = [{ version: 'flights/1', role: 'champion' as const, weight: 1 }]
    await setVariants(trx, rolloutActor, { endpoint: 'flights', variants, reason: 'first' })
  })
  return db
}

let reports = 0

export async function sendReport(
  db: RolloutTestDb,
  { predictions = [], counters = [] }: { predictions?: PredictionRecord[]; counters?: TrafficCounter[] },
): Promise<void> {
  const report = testReport({ worker: 'w', sequence: ++reports, predictions, counters })
  await transact(db, (trx) => recordReport({ versions, nowMs: 1 }, trx, report))
}

/**
 * A day of shadow traffic, outcomes known: the champion says 0.2 of rows of which a fifth is late; the challenger is `better` (closer to what
 * comes) or says something worse.
 */
export async function shadowDay(
  db: RolloutTestDb,
  { day, rows, better, shadow = 'flights/2' }: { day: number; rows: number; better: boolean; shadow?: string },
): Promise<void> {
  const late = (row: number): number => (row % 5 === 0 ? 1 : 0)
  const predictions = Array.from({ length: rows }, (_, row) => {
    const said = (late(row) === 1) === better ? 0.3 + (row % 7) / 100 : 0.1 + (row % 7) / 100
    return testPrediction(`s${day}-${row}`, {
      eventTimeMs: testDayMs + day * 86_400_000 + row,
      output: [0.2],
      shadows: [{ version: shadow, output: [said] }],
    })
  })
  await sendReport(db, { predictions })
  const outcomes = predictions.map(({ id }, row) => ({ predictionId: id, value: late(row) }))
  await recordOutcomes({ db, versions, clock: rolloutActor.clock }, outcomes)
}

/** Canary traffic at one share, split as asked for. */
export async function canaryTraffic(
  db: RolloutTestDb,
  traffic: {
    share: number
    requests: number
    errors?: { canary: number; champion: number }
    canary?: Partial<TrafficCounter>
    champion?: Partial<TrafficCounter>
    /** The share's part unless said otherwise. */
    canaryRequests?: number
  },
): Promise<void> {
  const { share, requests, errors = { canary: 0, champion: 0 } } = traffic
  const canaryRequests = traffic.canaryRequests ?? Math.round(requests * share)
  const champion = testCounter({
    requests: requests - canaryRequests,
    assignedWith: 1 - share,
    errors: errors.champion,
    ...traffic.champion,
  })
  const canary = testCounter({
    version: 'flights/2',
    role: 'canary',
    requests: canaryRequests,
    assignedWith: share,
    errors: errors.canary,
    ...traffic.canary,
  })
  await sendReport(db, { counters: [champion, canary] })
}
