// Making, renaming, tagging, deleting and restoring experiments.
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { transact, type Connection, type Db, type Transaction } from '../platform/database.ts'
import {
  defaultExperiment,
  defaultExperimentId,
  experimentDeleted,
  experimentExists,
  experimentNotFound,
  experimentTagNotFound,
  ownArtifactRoot,
  withinUri,
  type Experiment,
} from './experiment.ts'
import {
  deleteExperimentTag,
  insertExperiment,
  nextExperimentId,
  putExperimentTags,
  readExperiment,
  readExperimentHeader,
  readExperiments,
  updateExperiment,
  type ExperimentHeader,
} from './stores/experiment-store.ts'
import type { AlsoDeleted } from './deletion.ts'
import { setRunsDeleted } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

type Tables = ExperimentTables & AuditTables
type Trx = Transaction<Tables>

/** Deleted ones too. By id or name. @throws DomainError experiment_not_found */
export async function getExperiment(db: Db<ExperimentTables>, which: number | string): Promise<Experiment> {
  const found = await readExperiment(db, which)
  if (!found) throw experimentNotFound(which)
  return found
}

/** One that takes runs and changes, without its tags. @throws DomainError experiment_not_found, experiment_deleted */
export async function getActiveExperiment(db: Db<ExperimentTables>, which: number | string): Promise<ExperimentHeader> {
  const found = await readExperimentHeader(db, which)
  if (!found) throw experimentNotFound(which)
  if (found.deletedAtMs !== null) throw experimentDeleted(found)
  return found
}

/** Newest first, those made before the one with id `before`; deleted ones only when asked for. */
export const listExperiments = (
  db: Db<ExperimentTables>,
  page: { before?: number | undefined; limit: number; withDeleted?: boolean | undefined },
): Promise<Experiment[]> => readExperiments(db, page)

export interface NewExperiment {
  readonly name: string
  readonly tags?: Experiment['tags'] | undefined
  /** `<artifactRoot>/<id>` by default. */
  readonly artifactLocation?: string | undefined
  /** The home's own store by default. */
  readonly artifactRoot?: string | undefined
}

/** @throws DomainError experiment_exists (a deleted one keeps its name) */
export async function createExperiment(trx: Trx, actor: Actor, made: NewExperiment): Promise<Experiment> {
  const { name, tags = {}, artifactRoot = ownArtifactRoot } = made
  const existing = await readExperimentHeader(trx, name)
  if (existing) throw experimentExists(existing)
  const atMs = actor.clock()
  const isDefault = name === defaultExperiment && !(await readExperimentHeader(trx, defaultExperimentId))
  const id = isDefault ? defaultExperimentId : await nextExperimentId(trx)
  const experiment = {
    id,
    name,
    artifactLocation: made.artifactLocation ?? withinUri(artifactRoot, String(id)),
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
export async function ensureExperiment(trx: Trx, actor: Actor, name: string): Promise<ExperimentHeader> {
  const found = await readExperimentHeader(trx, name)
  if (found && found.deletedAtMs !== null) throw experimentDeleted(found)
  return found ?? createExperiment(trx, actor, { name })
}

/** Experiment 0, which MLflow's clients count on; made at the first start, with the server's default root of artifacts. Idempotent. */
export async function ensureDefaultExperiment(
  db: Connection<Tables>,
  actor: Actor,
  { artifactRoot }: { artifactRoot: string },
): Promise<void> {
  if (await readExperimentHeader(db, defaultExperimentId)) return
  await transact(db, (trx) => createExperiment(trx, actor, { name: defaultExperiment, artifactRoot }))
}

export interface ExperimentChange {
  readonly id: number
  readonly name?: string | undefined
  /** Null takes a tag away; tags that are not named stay. */
  readonly tags?: Readonly<Record<string, string | null>> | undefined
  /** Deletes or restores, its runs with it: a deletion takes those that are there, and a restore brings back those that it took. Idempotent. */
  readonly isDeleted?: boolean | undefined
  /** Told of the runs that a deletion takes. */
  readonly alsoDeleted?: AlsoDeleted | undefined
}

/** @throws DomainError experiment_not_found, experiment_exists, experiment_deleted (for a new name or tags) */
export async function changeExperiment(trx: Trx, actor: Actor, change: ExperimentChange): Promise<Experiment> {
  const { id, name, tags, alsoDeleted } = change
  const before = await getExperiment(trx, id)
  const isDeleted = change.isDeleted ?? before.deletedAtMs !== null
  if (isDeleted && (name !== undefined || tags)) throw experimentDeleted(before)
  const taken = name === undefined || name === before.name ? undefined : await readExperimentHeader(trx, name)
  if (taken) throw experimentExists(taken)
  const atMs = actor.clock()
  const isTurned = isDeleted !== (before.deletedAtMs !== null)
  if (isTurned || name !== undefined) {
    const deletedAtMs = isDeleted ? (before.deletedAtMs ?? atMs) : null
    await updateExperiment(trx, { ...before, name: name ?? before.name, deletedAtMs, updatedAtMs: atMs })
  }
  const entries = Object.entries(tags ?? {})
  await putExperimentTags(
    trx,
    id,
    Object.fromEntries(entries.filter((tag): tag is [string, string] => tag[1] !== null)),
  )
  for (const [key, value] of entries) if (value === null) await deleteExperimentTag(trx, id, key)
  if (isTurned) {
    const runIds = await setRunsDeleted(trx, { experimentId: id, deletedAtMs: isDeleted ? atMs : null })
    if (isDeleted) await alsoDeleted?.(trx, runIds)
  }
  const after = await getExperiment(trx, id)
  const action = isTurned ? (isDeleted ? 'delete' : 'restore') : 'change'
  const detail = { name: after.name, ...(tags ? { tags } : {}) }
  await recordAudit(trx, actor, { action: `experiment.${action}`, subject: `experiment:${id}`, detail })
  return after
}

/** @throws DomainError experiment_not_found, experiment_deleted */
export async function setExperimentTag(
  trx: Trx,
  actor: Actor,
  { id, key, value }: { id: number; key: string; value: string },
): Promise<void> {
  await getActiveExperiment(trx, id)
  await putExperimentTags(trx, id, { [key]: value })
  const detail = { tags: { [key]: value } }
  await recordAudit(trx, actor, { action: 'experiment.change', subject: `experiment:${id}`, detail })
}

/** @throws DomainError experiment_not_found, experiment_deleted, experiment_tag_not_found */
export async function removeExperimentTag(
  trx: Trx,
  actor: Actor,
  { id, key }: { id: number; key: string },
): Promise<void> {
  await getActiveExperiment(trx, id)
  if (!(await deleteExperimentTag(trx, id, key))) throw experimentTagNotFound(id, key)
  const detail = { tags: { [key]: null } }
  await recordAudit(trx, actor, { action: 'experiment.change', subject: `experiment:${id}`, detail })
}
