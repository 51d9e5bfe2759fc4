// The points of one metric of several runs, as MLflow's console asks for them: a route of its own that no service describes.
import type { FastifyPluginAsync } from 'fastify'
import { streamHistory, type HistoryDeps } from '../../experiments/metric-history.ts'
import type { Log } from '../../platform/log.ts'
import { invalidParameter } from '../wire/errors.ts'
import { JsonStream } from '../wire/json.ts'
import { answerErrors } from '../server.ts'
import { doubleOf } from './entities.ts'
import { pythonFloat } from './python-text.ts'

const pointsMax = 25_000
const runsMax = 100

type Query = Readonly<Record<string, string | readonly string[] | undefined>>

interface BulkRequest {
  readonly runIds: readonly string[]
  readonly key: string
  readonly limit: number
}

export const metricBulkRoute: FastifyPluginAsync<HistoryDeps & { readonly log: Log }> = async (server, deps) => {
  answerErrors(server, deps.log)
  const options = { schema: { hide: true }, config: { permission: 'run.read' } } as const
  server.get('/ajax-api/2.0/mlflow/metrics/get-history-bulk', options, async ({ query }, reply) => {
    const pieces = printBulk(deps, requestOf(query as Query))
    return reply.type('application/json').send(await new JsonStream(pieces).begin())
  })
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function requestOf({ run_id: runs = [], metric_key: keys, max_results: limits }: Query): BulkRequest {
  const runIds = [runs].flat()
  if (runIds.length === 0) throw invalidParameter('GetMetricHistoryBulk request must specify at least one run_id.')
  if (runIds.length > runsMax) {
    throw invalidParameter(
      `GetMetricHistoryBulk request cannot specify more than ${runsMax} run_ids. Received ${runIds.length} run_ids.`,
    )
  }
  const [key] = [keys].flat()
  if (key === undefined) throw invalidParameter('GetMetricHistoryBulk request must specify a metric_key.')
  const [limit = String(pointsMax)] = [limits].flat()
  if (!/^\d{1,9}$/v.test(limit)) {
    throw invalidParameter(`Invalid value ${JSON.stringify(limit)} for parameter 'max_results' supplied.`)
  }
  return { runIds, key, limit: Math.min(Number(limit), pointsMax) }
}

/** By run id, then by time. Byte for byte as MLflow's server prints it here, NaN bare. */
async function* printBulk(deps: HistoryDeps, { runIds, key, limit }: BulkRequest): AsyncGenerator<string> {
  yield '{"metrics":['
  let printed = 0
  for (const runId of [...new Set(runIds)].toSorted()) {
    const start = `{"key":${JSON.stringify(key)},"run_id":${JSON.stringify(runId)},"step":`
    if (printed === limit) break
    for await (const points of streamHistory(deps, { runId, key, limit: limit - printed })) {
      let text = ''
      for (const { value, atMs, step } of points) {
        const double = Number.isNaN(value) ? 'NaN' : pythonFloat(Number(doubleOf(value)))
        text += `${printed++ === 0 ? '' : ','}${start}${step},"timestamp":${atMs},"value":${double}}`
      }
      yield text
    }
  }
  yield ']}\n'
}
