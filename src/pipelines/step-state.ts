// Whether a step is at work: for what may be done on its behalf only as long as it is.
import type { Db } from '../platform/database.ts'
import { findStepRun, type StepRunTables } from './stores/step-run-store.ts'

export type StepStateTables = StepRunTables

/** False for one that there is not, that waits for its next attempt, and that has ended. */
export async function isStepRunning(db: Db<StepStateTables>, stepRunId: string): Promise<boolean> {
  return (await findStepRun(db, stepRunId))?.state === 'running'
}
