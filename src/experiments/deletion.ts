// What goes with runs that are deleted: rows of stages downstream, in the same transaction.
import type { AuditTables } from '../governance/audit.ts'
import type { Transaction } from '../platform/database.ts'
import type { ExperimentTables } from './tables.ts'

/** Told of runs that are deleted now, each by itself or with its experiment. What it takes away does not come back with them. */
export type AlsoDeleted = (trx: Transaction<ExperimentTables & AuditTables>, runIds: readonly string[]) => Promise<void>
