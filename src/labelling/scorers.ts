// Scorers: serialized judges of an application's answers, in versions; this server stores and never runs them.
import type { ExperimentTables } from '../experiments/tables.ts'
import { recordAudit, type Actor } from '../governance/audit.ts'
import type { Db, Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { hexId } from '../platform/ids.ts'
import type { LabellingWriteTables } from './evaluation-datasets.ts'
import { activeExperiment } from './experiment-scope.ts'
import {
  findScorer,
  insertScorer,
  insertScorerVersion,
  latestScorerVersions,
  putOnlineScoring,
  readOnlineScoring,
  readScorerVersions,
  removeScorer,
  removeScorerVersion,
  type OnlineScoring,
  type ScorerVersion,
} from './stores/scorer-store.ts'
import type { LabellingTables } from './tables.ts'

export type { OnlineScoring, ScorerVersion } from './stores/scorer-store.ts'

type ReadTables = LabellingTables & ExperimentTables
type Trx = Transaction<LabellingWriteTables>

export interface ScorerName {
  readonly experimentId: number
  readonly name: string
}

const nameLength = 256
const serializedLength = 1_000_000

export const scorerNotFound = ({ experimentId, name }: ScorerName, version?: number): DomainError =>
  new DomainError(
    'not_found',
    'scorer_not_found',
    `experiment ${experimentId} has no scorer "${name}"${version === undefined ? '' : ` of version ${version}`}`,
    { experimentId, name, ...(version === undefined ? {} : { version }) },
  )

/**
 * A new version; numbers count from 1 and go on after the highest that is there. The text is stored as it is: whoever sends it says what it means.
 * @throws DomainError experiment_not_found, experiment_deleted, scorer_invalid
 */
export async function registerScorer(
  trx: Trx,
  actor: Actor,
  scorer: ScorerName & { serialized: string },
): Promise<ScorerVersion> {
  const { experimentId, name, serialized } = scorer
  if (name.trim() === '' || name.length > nameLength) {
    const message = `the name of a scorer has 1 to ${nameLength} characters that are not all white space`
    throw new DomainError('invalid', 'scorer_invalid', message)
  }
  if (serialized.length > serializedLength) {
    const message = `a serialized scorer has at most ${serializedLength} characters, not ${serialized.length}`
    throw new DomainError('invalid', 'scorer_invalid', message)
  }
  await activeExperiment(trx, experimentId)
  const found = await findScorer(trx, scorer)
  const id = found ?? uuidOf(hexId())
  if (!found) await insertScorer(trx, { id, experimentId, name })
  const [latest] = found ? await latestScorerVersions(trx, [experimentId], name) : []
  const version = { version: (latest?.version ?? 0) + 1, serialized, createdAtMs: actor.clock() }
  await insertScorerVersion(trx, id, version)
  const detail = { name, version: version.version }
  await recordAudit(trx, actor, { action: 'scorer.register', subject: `scorer:${id}`, detail })
  return { scorerId: id, experimentId, name, ...version }
}

const uuidOf = (hex: string): string => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/v, '$1-$2-$3-$4-')

/** The newest version of each, by experiment and name. Of experiments that are deleted none. */
export const listScorers = (db: Db<ReadTables>, experimentIds?: readonly number[]): Promise<ScorerVersion[]> =>
  latestScorerVersions(db, experimentIds)

/** @throws DomainError experiment_not_found, experiment_deleted */
export async function listScorersOf(db: Db<ReadTables>, experimentId: number): Promise<ScorerVersion[]> {
  await activeExperiment(db, experimentId)
  return latestScorerVersions(db, [experimentId])
}

/** From the first on. @throws DomainError experiment_not_found, experiment_deleted, scorer_not_found */
export async function listScorerVersions(db: Db<ReadTables>, scorer: ScorerName): Promise<ScorerVersion[]> {
  await activeExperiment(db, scorer.experimentId)
  const versions = await readScorerVersions(db, scorer)
  if (versions.length === 0) throw scorerNotFound(scorer)
  return versions
}

/** The newest one by default. @throws DomainError experiment_not_found, experiment_deleted, scorer_not_found */
export async function getScorer(
  db: Db<ReadTables>,
  { version, ...scorer }: ScorerName & { version?: number | undefined },
): Promise<ScorerVersion> {
  await activeExperiment(db, scorer.experimentId)
  const versions = await readScorerVersions(db, scorer, version)
  const found = versions.at(-1)
  if (!found) throw scorerNotFound(scorer, version)
  return found
}

/** One version, or all of it by default. @throws DomainError experiment_not_found, experiment_deleted, scorer_not_found */
export async function deleteScorer(
  trx: Trx,
  actor: Actor,
  { version, ...scorer }: ScorerName & { version?: number | undefined },
): Promise<void> {
  await activeExperiment(trx, scorer.experimentId)
  const id = await findScorer(trx, scorer)
  if (id === undefined) throw scorerNotFound(scorer)
  const isGone = version === undefined ? await removeScorer(trx, id) : await removeScorerVersion(trx, id, version)
  if (!isGone) throw scorerNotFound(scorer, version)
  const detail = { name: scorer.name, ...(version === undefined ? {} : { version }) }
  await recordAudit(trx, actor, { action: 'scorer.delete', subject: `scorer:${id}`, detail })
}

/** Configurations of those scorers that have one. Nothing here runs them: whoever has a Python runtime reads them. */
export const listOnlineScoring = (db: Db<LabellingTables>, scorerIds: readonly string[]): Promise<OnlineScoring[]> =>
  readOnlineScoring(db, scorerIds)

/** @throws DomainError experiment_not_found, experiment_deleted, scorer_not_found, scorer_invalid */
export async function configureOnlineScoring(
  trx: Trx,
  actor: Actor,
  { sampleRate, filter, ...scorer }: ScorerName & { sampleRate: number; filter: string | null },
): Promise<OnlineScoring> {
  if (!(sampleRate >= 0 && sampleRate <= 1)) {
    throw new DomainError('invalid', 'scorer_invalid', `sample_rate must be between 0.0 and 1.0, got ${sampleRate}`)
  }
  await activeExperiment(trx, scorer.experimentId)
  const scorerId = await findScorer(trx, scorer)
  if (scorerId === undefined) throw scorerNotFound(scorer)
  const config = { id: hexId(), scorerId, experimentId: scorer.experimentId, sampleRate, filter }
  await putOnlineScoring(trx, config)
  await recordAudit(trx, actor, {
    action: 'scorer.configure',
    subject: `scorer:${scorerId}`,
    detail: { sampleRate, filter },
  })
  return config
}
