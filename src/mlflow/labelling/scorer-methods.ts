// MLflow's methods of scorers.
import type { ExperimentTables } from '../../experiments/tables.ts'
import type { LabellingWriteTables } from '../../labelling/evaluation-datasets.ts'
import {
  deleteScorer,
  getScorer,
  listScorers,
  listScorersOf,
  listScorerVersions,
  registerScorer,
  type ScorerName,
  type ScorerVersion,
} from '../../labelling/scorers.ts'
import { transact, type Connection } from '../../platform/database.ts'
import { parseExact, printExact } from '../../platform/exact-json.ts'
import { invalidParameter } from '../wire/errors.ts'
import { reprOf } from '../filter/python.ts'
import type * as wire from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { listed } from './offset-pages.ts'
import { assertSerializedScorer } from './scorer-checks.ts'

export interface ScorerDeps {
  readonly db: Connection<LabellingWriteTables & ExperimentTables>
}

const scorerOf = (scorer: ScorerVersion): wire.Scorer => ({
  experiment_id: scorer.experimentId,
  scorer_name: scorer.name,
  scorer_version: scorer.version,
  serialized_scorer: scorer.serialized,
  creation_time: scorer.createdAtMs,
  scorer_id: scorer.scorerId,
})

/** Lists show the JSON as Python prints it. */
const listedScorerOf = (scorer: ScorerVersion): wire.Scorer => ({
  ...scorerOf(scorer),
  serialized_scorer: printExact(parseExact(scorer.serialized)),
})

/** Lists of ids are checked apart. @throws MlflowError INVALID_PARAMETER_VALUE */
function listedIdOf(id: string): number {
  if (/^[a-zA-Z0-9][\p{L}\p{N}_\-]{0,63}$/v.test(id)) return experimentIdOf(id)
  throw invalidParameter(`Invalid experiment ID: ${reprOf(id)}`)
}

export const scorerNameOf = (sent: {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
}): ScorerName => ({ experimentId: experimentIdOf(sent.experiment_id ?? ''), name: sent.name ?? '' })

export const scorerMethods: Methods<ScorerDeps> = {
  registerScorer: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const { serialized_scorer: serialized = '' } = request
      assertSerializedScorer(serialized)
      if ((request.name ?? '').trim() === '') {
        throw invalidParameter('Scorer name cannot be empty or contain only whitespace.')
      }
      const named = scorerNameOf(request)
      const made = await transact(db, (trx) => registerScorer(trx, actor, { ...named, serialized }))
      return {
        version: made.version,
        scorer_id: made.scorerId,
        experiment_id: String(made.experimentId),
        name: made.name,
        serialized_scorer: made.serialized,
        creation_time: made.createdAtMs,
      }
    },
  },
  listScorers: {
    permission: 'run.read',
    async handle({ db }, { request, sent }) {
      const { experiment_id: one, experiment_ids: several = [] } = request
      if (one && sent.has('experiment_ids')) {
        throw invalidParameter(
          "Cannot specify both 'experiment_id' and 'experiment_ids'. Use 'experiment_ids' to scope the query to multiple experiments, or 'experiment_id' to scope it to a single experiment.",
        )
      }
      if (one) return listed('scorers', (await listScorersOf(db, experimentIdOf(one))).map(listedScorerOf))
      const ids = sent.has('experiment_ids') ? several.map(listedIdOf) : undefined
      return listed('scorers', (await listScorers(db, ids)).map(listedScorerOf))
    },
  },
  listScorerVersions: {
    permission: 'run.read',
    handle: async ({ db }, { request }) =>
      listed('scorers', (await listScorerVersions(db, scorerNameOf(request))).map(listedScorerOf)),
  },
  getScorer: {
    permission: 'run.read',
    handle: async ({ db }, { request }) => ({
      scorer: scorerOf(await getScorer(db, { ...scorerNameOf(request), version: request.version })),
    }),
  },
  deleteScorer: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const which = { ...scorerNameOf(request), version: request.version }
      await transact(db, (trx) => deleteScorer(trx, actor, which))
      return {}
    },
  },
}
