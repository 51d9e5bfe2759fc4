// What a token that is bound to a run may write of traces: those in the run's experiment.
import type { ExperimentTables } from '../experiments/tables.ts'
import { assertWritesIn } from '../experiments/write-scope.ts'
import type { Caller } from '../governance/access.ts'
import type { Db } from '../platform/database.ts'
import { readRow } from './stores/trace-store.ts'
import type { TraceTables } from './tables.ts'

/** A trace that is not there is for others to tell. @throws DomainError run_scope */
export async function assertWritesTrace(
  db: Db<TraceTables & ExperimentTables>,
  caller: Pick<Caller, 'scope'>,
  traceId: string,
): Promise<void> {
  if (caller.scope === undefined) return
  const trace = await readRow(db, traceId)
  if (trace) await assertWritesIn(db, caller, trace.experiment_id)
}
