// MLflow's methods of experiments, but for their search.
import type { AlsoDeleted } from '../../experiments/deletion.ts'
import { experimentNotFound } from '../../experiments/experiment.ts'
import {
  changeExperiment,
  createExperiment,
  getExperiment,
  removeExperimentTag,
  setExperimentTag,
} from '../../experiments/experiments.ts'
import type { RecordingTables } from '../../experiments/recording.ts'
import { assertUnscoped } from '../../experiments/write-scope.ts'
import type { Actor } from '../../governance/audit.ts'
import { transact, type Connection, type Transaction } from '../../platform/database.ts'
import { DomainError, messageOf } from '../../platform/errors.ts'
import { mlflowError } from '../wire/errors.ts'
import type { Methods } from '../wire/method.ts'
import { readArtifactLocation, type LocationRules } from './artifact-location.ts'
import { experimentOf } from './entities.ts'
import { experimentIdOf } from './experiment-ids.ts'
import { assertCustomViewsFit, assertExperimentTag, isCustomView } from './experiment-tags.ts'
import { assertLength } from './names.ts'

export interface ExperimentDeps {
  readonly db: Connection<RecordingTables>
  readonly locations: LocationRules
  readonly alsoDeleted: AlsoDeleted
}

const read = 'run.read' as const
const write = 'run.write' as const
const nameLengthMax = 500

export const experimentMethods: Methods<ExperimentDeps> = {
  createExperiment: {
    permission: write,
    async handle({ db, locations }, { request, actor, caller }) {
      assertUnscoped(caller)
      const { name = '', artifact_location: location } = request
      const sent = (request.tags ?? []).map(({ key = '', value = '' }) => ({ key, value }))
      const tags = new Map(sent.map(({ key, value }) => [key, value]))
      assertCustomViewsFit([...tags.keys()])
      const artifactLocation = location ? readArtifactLocation(location, locations) : undefined
      assertLength(name, { what: 'name', max: nameLengthMax })
      for (const tag of sent) assertExperimentTag(tag)
      if (tags.size < sent.length) {
        throw mlflowError('RESOURCE_ALREADY_EXISTS', 'A tag is given more than once: give each key one value.')
      }
      const { artifactRoot } = locations
      const made = { name, tags: Object.fromEntries(tags), artifactRoot, artifactLocation }
      const { id } = await transact(db, (trx) => createExperiment(trx, actor, made))
      return { experiment_id: String(id) }
    },
  },
  getExperiment: {
    permission: read,
    async handle({ db }, { request }) {
      return { experiment: experimentOf(await getExperiment(db, experimentIdOf(request.experiment_id ?? ''))) }
    },
  },
  getExperimentByName: {
    permission: read,
    async handle({ db }, { request }) {
      return { experiment: experimentOf(await getExperiment(db, request.experiment_name ?? '')) }
    },
  },
  updateExperiment: {
    permission: write,
    async handle({ db }, { request, actor, caller }) {
      assertUnscoped(caller)
      const name = request.new_name ?? ''
      assertLength(name, { what: 'name', max: nameLengthMax })
      const id = experimentIdOf(request.experiment_id ?? '')
      try {
        await transact(db, (trx) => changeExperiment(trx, actor, { id, name }))
      } catch (error) {
        const code = error instanceof DomainError ? error.code : undefined
        // Here alone these have other codes.
        if (code === 'experiment_deleted') throw mlflowError('INVALID_STATE', 'Cannot rename a non-active experiment.')
        if (code === 'experiment_exists') throw mlflowError('BAD_REQUEST', messageOf(error))
        throw error
      }
      return {}
    },
  },
  deleteExperiment: {
    permission: write,
    async handle({ alsoDeleted, db }, { request, actor, caller }) {
      assertUnscoped(caller)
      const id = experimentIdOf(request.experiment_id ?? '')
      await transact(db, (trx) => turn(trx, actor, { id, isDeleted: true, alsoDeleted }))
      return {}
    },
  },
  restoreExperiment: {
    permission: write,
    async handle({ db }, { request, actor, caller }) {
      assertUnscoped(caller)
      const id = experimentIdOf(request.experiment_id ?? '')
      await transact(db, (trx) => turn(trx, actor, { id, isDeleted: false }))
      return {}
    },
  },
  setExperimentTag: {
    permission: write,
    async handle({ db }, { request, actor, caller }) {
      assertUnscoped(caller)
      const { key = '', value = '' } = request
      const id = experimentIdOf(request.experiment_id ?? '')
      assertExperimentTag({ key, value })
      await transact(db, async (trx) => {
        if (isCustomView(key)) {
          const { tags } = await getExperiment(trx, id)
          assertCustomViewsFit(Object.keys({ ...tags, [key]: value }), id)
        }
        await setExperimentTag(trx, actor, { id, key, value })
      })
      return {}
    },
  },
  deleteExperimentTag: {
    permission: write,
    async handle({ db }, { request, actor, caller }) {
      assertUnscoped(caller)
      const id = experimentIdOf(request.experiment_id ?? '')
      await transact(db, (trx) => removeExperimentTag(trx, actor, { id, key: request.key ?? '' }))
      return {}
    },
  },
}

/** MLflow deletes what is there and restores what is deleted; anything else is not found. @throws DomainError experiment_not_found */
async function turn(
  trx: Transaction<RecordingTables>,
  actor: Actor,
  change: { id: number; isDeleted: boolean; alsoDeleted?: AlsoDeleted },
): Promise<void> {
  const { id, isDeleted } = change
  const { deletedAtMs } = await getExperiment(trx, id)
  if (isDeleted === (deletedAtMs !== null)) throw experimentNotFound(id)
  await changeExperiment(trx, actor, change)
}
