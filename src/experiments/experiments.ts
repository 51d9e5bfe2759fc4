// Making, renaming, deleting and restoring experiments.
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import type { Db, Transaction } from '../platform/database.ts'
import {
  defaultExperiment,
  ExperimentName,
  experimentDeleted,
  experimentExists,
  experimentNotFound,
  type Experiment,
} from './experiment.ts'
import {
  insertExperiment,
  lastExperimentId,
  readExperiment,
  readExperiments,
  updateExperiment,
} from './stores/experiment-store.ts'
import type { ExperimentTables } from './tables.ts'

type Trx = Transaction<ExperimentTables & AuditTables>

/** Deleted ones too. By id or name. @throws DomainError experiment_not_found */
export async function getExperiment(db: Db<ExperimentTables>, which: number | string): Promise<Experiment> {
  const found = await readExperiment(db, which)
  if (!found) throw experimentNotFound(which)
  return found
}

/** Newest first, those made before the one with id `before`; deleted ones only when asked for. */
export const listExperiments = (
  db: Db<ExperimentTables>,
  page: { before?: number | undefined; limit: number; withDeleted?: boolean | undefined },
): Promise<Experiment[]> => readExperiments(db, page)

/** @throws DomainError experiment_exists, experiment_deleted (a deleted one keeps its name) */
export async function createExperiment(
  trx: Trx,
  actor: Actor,
  { name, tags = {} }: { name: string; tags?: Experiment['tags'] },
): Promise<Experiment> {
  const existing = await readExperiment(trx, name)
  if (existing) throw existing.deletedAtMs === null ? experimentExists(name) : experimentDeleted(name)
  const atMs = actor.clock()
  const id = name === defaultExperiment ? 0 : (await lastExperimentId(trx)) + 1
  const experiment = {
    id,
    name: ExperimentName.parse(name),
    tags,
    createdAtMs: atMs,
    updatedAtMs: atMs,
    deletedAtMs: null,
  }
  await insertExperiment(trx, experiment)
  await recordAudit(trx, actor, { action: 'experiment.create', subject: `experiment:${id}`, detail: { name } })
  return experiment
}

/** The one of that name, made when there is none. @throws DomainError experiment_deleted */
export async function ensureExperiment(trx: Trx, actor: Actor, name: string): Promise<Experiment> {
  const found = await readExperiment(trx, name)
  if (found && found.deletedAtMs !== null) throw experimentDeleted(name)
  return found ?? createExperiment(trx, actor, { name })
}

export interface ExperimentChange {
  readonly id: number
  readonly name?: string | undefined
  /** Null takes a tag away; tags that are not named stay. */
  readonly tags?: Readonly<Record<string, string | null>> | undefined
  /** Deletes or restores; the runs stay as they are, and cannot be added to while it is deleted. Idempotent. */
  readonly isDeleted?: boolean | undefined
}

/** @throws DomainError experiment_not_found, experiment_exists, experiment_deleted (for a new name or tags) */
export async function changeExperiment(trx: Trx, actor: Actor, change: ExperimentChange): Promise<Experiment> {
  const before = await getExperiment(trx, change.id)
  const isDeleted = change.isDeleted ?? before.deletedAtMs !== null
  if (isDeleted && (change.name !== undefined || change.tags)) throw experimentDeleted(before.name)
  if (change.name !== undefined && change.name !== before.name && (await readExperiment(trx, change.name))) {
    throw experimentExists(change.name)
  }
  const atMs = actor.clock()
  const tags = Object.entries({ ...before.tags, ...change.tags }).filter(([, value]) => value !== null)
  const after: Experiment = {
    ...before,
    name: change.name === undefined ? before.name : ExperimentName.parse(change.name),
    tags: Object.fromEntries(tags) as Experiment['tags'],
    deletedAtMs: isDeleted ? (before.deletedAtMs ?? atMs) : null,
    updatedAtMs: atMs,
  }
  await updateExperiment(trx, after)
  const action = isDeleted === (before.deletedAtMs !== null) ? 'change' : isDeleted ? 'delete' : 'restore'
  const detail = { name: after.name, ...(change.tags ? { tags: change.tags } : {}) }
  await recordAudit(trx, actor, { action: `experiment.${action}`, subject: `experiment:${after.id}`, detail })
  return after
}
