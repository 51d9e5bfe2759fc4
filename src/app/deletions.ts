// What goes with runs and traces that are deleted, in stages that their own know nothing of; over each API the same.
import type { AlsoDeleted } from '../experiments/deletion.ts'
import { forgetTraces } from '../labelling/review-items.ts'
import type { Transaction } from '../platform/database.ts'
import { forgetRuns } from '../tracing/assessments.ts'
import type { AlsoDeletedTraces } from '../tracing/traces.ts'
import type { Tables } from './tables.ts'

// The stages that begin these transactions know their own tables only; the connection has all.
const ofAll = (trx: unknown): Transaction<Tables> => trx as Transaction<Tables>

/** What judges and people said on behalf of a run goes for good, as with MLflow: a run that is restored comes without it. */
export const alsoDeletedRuns: AlsoDeleted = (trx, runIds) => forgetRuns(ofAll(trx), runIds)

/** A queue asks nobody to review what is gone. */
export const alsoDeletedTraces: AlsoDeletedTraces = (trx, traceIds) => forgetTraces(ofAll(trx), traceIds)
