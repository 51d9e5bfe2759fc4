// The two routes of MLflow's clients for scoring traces as they come. The configuration is kept; who has a Python runtime reads it.
import type { FastifyPluginAsync } from 'fastify'
import { configureOnlineScoring, listOnlineScoring, type OnlineScoring } from '../../labelling/scorers.ts'
import { assertUnscoped } from '../../experiments/write-scope.ts'
import { actorOf, callerOf } from '../../governance/access.ts'
import { transact } from '../../platform/database.ts'
import type { Log } from '../../platform/log.ts'
import { pythonJson, pythonType } from '../wire/checks.ts'
import { invalidParameter } from '../wire/errors.ts'
import { parseFilter } from '../filter/parse.ts'
import { parseJson } from '../wire/json.ts'
import { readBodiesAsText } from '../rpc.ts'
import { answerErrors } from '../server.ts'
import { scorerNameOf, type ScorerDeps } from './scorer-methods.ts'

const configOf = ({ id, scorerId, sampleRate, experimentId, filter }: OnlineScoring) => ({
  online_scoring_config_id: id,
  scorer_id: scorerId,
  sample_rate: sampleRate,
  experiment_id: String(experimentId),
  ...(filter === null ? {} : { filter_string: filter }),
})

const missing = (name: string): Error =>
  invalidParameter(
    `Missing value for required parameter '${name}'. See the API docs for more information about request parameters.`,
  )

export const onlineScoringRoutes: FastifyPluginAsync<ScorerDeps & { log: Log }> = async (server, { db, log }) => {
  answerErrors(server, log)
  readBodiesAsText(server)
  for (const prefix of ['/api', '/ajax-api']) {
    const url = `${prefix}/3.0/mlflow/scorers/online-config`
    const read = { schema: { hide: true }, config: { permission: 'run.read' } } as const
    server.get(`${url}s`, read, async ({ query }) => {
      const ids = (query as Record<string, string | string[] | undefined>)['scorer_ids']
      if (ids === undefined || ids === '') throw missing('scorer_ids')
      return { configs: (await listOnlineScoring(db, [ids].flat())).map(configOf) }
    })
    const write = { schema: { hide: true }, config: { permission: 'run.write' } } as const
    server.put(url, write, async (request) => {
      assertUnscoped(callerOf(request))
      const config = readConfig((request.body as string | undefined) ?? '')
      const actor = actorOf(request)
      return { config: configOf(await transact(db, (trx) => configureOnlineScoring(trx, actor, config))) }
    })
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function readConfig(body: string): Parameters<typeof configureOnlineScoring>[2] {
  const json = parsedBody(body)
  for (const name of ['experiment_id', 'name', 'sample_rate']) {
    if (json[name] === undefined || json[name] === null || json[name] === '') throw missing(name)
  }
  const { experiment_id: experiment, name, sample_rate: rate, filter_string: filter = null } = json
  if (typeof experiment !== 'string' || typeof name !== 'string') {
    throw invalidParameter("The parameters 'experiment_id' and 'name' are texts.")
  }
  if (filter !== null && typeof filter !== 'string') {
    throw invalidParameter(
      `Invalid value ${pythonJson(filter)} for parameter 'filter_string' supplied: Value was of type '${pythonType(filter)}'. Expected type 'str' or None.`,
    )
  }
  const sampleRate = Number(rate)
  if (Number.isNaN(sampleRate)) throw invalidParameter(`sample_rate must be a number, got ${pythonJson(rate)}`)
  if (sampleRate < 0 || sampleRate > 1) {
    throw invalidParameter(`sample_rate must be between 0.0 and 1.0, got ${shownFloat(sampleRate)}`)
  }
  if (filter) parseFilter('traces', filter)
  if (sampleRate > 0) {
    throw invalidParameter(
      `Scorer '${name}' does not use a gateway model. Automatic evaluation is only supported for scorers that use gateway models.`,
    )
  }
  return { ...scorerNameOf({ experiment_id: experiment, name }), sampleRate, filter }
}

const shownFloat = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value))

function parsedBody(body: string): Record<string, unknown> {
  try {
    const json = parseJson(body)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw invalidParameter('The body of this request is a JSON object.')
}
