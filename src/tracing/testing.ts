// For tests: a database with an experiment in it, and spans to send.
import { createExperiment } from '../experiments/experiments.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from '../experiments/migrations.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import type { AuditTables } from '../governance/audit.ts'
import { transact, type Migrations } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import { logSpans, prepareSpans, type TraceFindings } from './intake.ts'
import { attributeKeys } from './keys.ts'
import { tracingMigrations } from './migrations.ts'
import type { Span } from './span.ts'
import type { TracingTables } from './traces.ts'

export type TestTables = TracingTables & AuditTables

export const testTracingMigrations: Migrations = {
  ...eventMigrations,
  ...governanceMigrations,
  ...artifactMigrations,
  ...experimentMigrations,
  ...tracingMigrations,
}

/** With the experiments 1 and 2. */
export async function openTracing(): Promise<TestDatabase<TestTables>> {
  const db = await createTestDatabase<TestTables>(testTracingMigrations)
  for (const name of ['first', 'second']) await transact(db, (trx) => createExperiment(trx, testActor(), { name }))
  return db
}

export type SpanParts = Partial<Omit<Span, 'attributes'>> & {
  /** Any JSON. */
  readonly attributes?: Readonly<Record<string, unknown>>
}

/** A trace id from a short name in hexadecimal digits. */
export const testTraceId = (name: string): string => `tr-${name.padStart(32, '0')}`
export const testSpanId = (name: string): string => name.padStart(16, '0')

/** The root span of trace `a`, from 1000 to 1250 ms, but for what is given. */
export function testSpan(parts: SpanParts = {}): Span {
  const { attributes = {}, ...given } = parts
  const traceId = given.traceId ?? testTraceId('a')
  const texts = Object.entries(attributes).map(([key, value]) => [key, JSON.stringify(value)] as const)
  return {
    spanId: testSpanId('1'),
    parentSpanId: null,
    name: 'root',
    status: 'OK',
    statusMessage: '',
    startNs: 1_000_000_000n,
    endNs: 1_250_000_000n,
    events: [],
    links: [],
    resource: new Map(),
    ...given,
    traceId,
    attributes: new Map([...texts, [attributeKeys.traceId, JSON.stringify(traceId)]]),
  }
}

export const findings = (...spans: readonly Span[]): Promise<readonly TraceFindings[]> =>
  prepareSpans(spans, (key, value) => [key, value])

export const keepSpans = (
  db: TestDatabase<TestTables>,
  experimentId: number,
  ...spans: readonly Span[]
): Promise<void> => findings(...spans).then((found) => transact(db, (trx) => logSpans(trx, experimentId, found)))
