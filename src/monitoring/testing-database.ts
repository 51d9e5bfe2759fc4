// For tests: a database with all that monitoring touches.
import { on } from '../platform/database.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import type { AuditTables } from '../governance/audit.ts'
import type { LineageTables } from '../governance/lineage.ts'
import type { ModelVersionTables } from '../models/model-version-store.ts'
import { eventMigrations, type EventTables } from '../platform/events.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import type { EndpointTables } from '../serving/endpoint-store.ts'
import { servingMigrations } from '../serving/migrations.ts'
import { monitoringMigrations } from './migrations.ts'
import type { MonitoringTables } from './tables.ts'

export type TestDb = TestDatabase<
  MonitoringTables & ModelVersionTables & LineageTables & AuditTables & EventTables & EndpointTables
>

export const openTestDatabase = (): Promise<TestDb> =>
  createTestDatabase({ ...eventMigrations, ...governanceMigrations, ...servingMigrations, ...monitoringMigrations })

/** Actions in the audit log, in order. */
export async function auditedActions(db: TestDb): Promise<string[]> {
  const rows = await on(db).selectFrom('audit_event').select('action').orderBy('id').execute()
  return rows.map(({ action }) => action)
}
