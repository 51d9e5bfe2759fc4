// MLflow's methods that log metrics and params, and those that read a metric's points.
import type { Integer, LoggedPoint } from '../../experiments/metric.ts'
import type { HistoryDeps } from '../../experiments/metric-history.ts'
import { samplePoints } from '../../experiments/metric-sample.ts'
import type { ParamChange } from '../../experiments/run.ts'
import type { RunWriter } from '../../experiments/run-writer.ts'
import { assertWritesRun } from '../../experiments/write-scope.ts'
import type { Batch, LogTables } from '../../experiments/log-batch.ts'
import type { Db } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { GetMetricHistoryBulkInterval } from '../generated/messages.ts'
import { JsonStream } from '../wire/json.ts'
import type { Call, Methods } from '../wire/method.ts'
import { doubleOf } from './entities.ts'
import {
  assertBatchFits,
  assertDatasetWhole,
  assertKeysUnique,
  assertRunId,
  paramOf,
  pointOf,
} from './metric-checks.ts'
import { parseHistoryToken, printHistory } from './metric-pages.ts'
import { fittedTag } from './names.ts'
import { pythonString } from './python-text.ts'

export interface MetricDeps extends HistoryDeps {
  readonly db: Db<LogTables>
  readonly writer: Pick<RunWriter<LogTables>, 'log'>
  /** Of params and tags that are too long; else they are refused. */
  readonly truncatesLongValues: boolean
}

const read = 'run.read' as const
const write = 'run.write' as const

const runIdOf = ({ run_id, run_uuid }: { run_id?: string | undefined; run_uuid?: string | undefined }): string =>
  run_id || run_uuid || ''

export const metricMethods: Methods<MetricDeps> = {
  logMetric: {
    permission: write,
    async handle({ db, writer }, { request, caller }) {
      const runId = runIdOf(request)
      assertDatasetWhole(request)
      const metrics = [pointOf(request, '')]
      await assertWritesRun(db, caller, runId)
      await writer.log(runId, { metrics })
      return {}
    },
  },
  logParam: {
    permission: write,
    async handle({ db, writer, truncatesLongValues: truncates }, { request, caller }) {
      const runId = runIdOf(request)
      const { key, value } = paramOf(request, { path: '', truncates })
      await assertWritesRun(db, caller, runId)
      await toldOfParams(changedParam, () => writer.log(runId, { params: own([[key, value]]) }))
      return {}
    },
  },
  logBatch: {
    permission: write,
    async handle(deps, { request, caller }) {
      const { run_id: runId = '' } = request
      assertRunId(runId)
      const batch = batchOf(request, deps)
      await assertWritesRun(deps.db, caller, runId)
      await toldOfParams(changedParams, () => deps.writer.log(runId, batch))
      return {}
    },
  },
  getMetricHistory: {
    permission: read,
    async handle(deps, { request, sent }) {
      const { metric_key: key = '', max_results: limit, page_token: token } = request
      if (sent.has('max_results') && limit !== undefined && limit <= 0) {
        throw invalidParameter(
          `Invalid value ${limit} for parameter 'max_results' supplied. It must be a positive integer.`,
        )
      }
      const after = token ? parseHistoryToken(token) : undefined
      return new JsonStream(printHistory(deps, { runId: runIdOf(request), key, after, limit }))
    },
  },
  getMetricHistoryBulkInterval: {
    permission: read,
    async handle(deps, { request }) {
      const { metric_key: key = '', run_ids: runIds = [], max_results: limit = samplesMax } = request
      const steps = stepsOf(request)
      const metrics = []
      for (const runId of runIds) {
        for (const { step, atMs, value } of await samplePoints(deps, { runId, key, limit, steps })) {
          metrics.push({ key, value: doubleOf(value), timestamp: atMs, step, run_id: runId })
        }
      }
      return metrics.length === 0 ? {} : { metrics }
    },
  },
}

/** Of each run, when it is not said. */
const samplesMax = 2500

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function stepsOf({
  start_step: from,
  end_step: to,
}: GetMetricHistoryBulkInterval): { from: Integer; to: Integer } | undefined {
  if (from === undefined && to === undefined) return undefined
  if (from === undefined || to === undefined) {
    throw invalidParameter('If either start step or end step are specified, both must be specified.')
  }
  if (from > to) {
    throw invalidParameter(`end_step must be greater than start_step. Found start_step=${from} and end_step=${to}.`)
  }
  return { from, to }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function batchOf(
  { metrics = [], params = [], tags = [] }: Call<'logBatch'>['request'],
  { truncatesLongValues: truncates }: MetricDeps,
): Batch {
  for (const metric of metrics) assertDatasetWhole(metric)
  const points = metrics.map((metric, at): LoggedPoint => pointOf(metric, `metrics[${at}].`))
  const pairs = params.map((param, at) => paramOf(param, { path: `params[${at}].`, truncates }))
  const fittedTags = tags.map((tag, at) => fittedTag(tag, { path: `tags[${at}].`, truncates }))
  assertBatchFits({ metrics: metrics.length, params: params.length, tags: tags.length })
  assertKeysUnique(pairs)
  return {
    metrics: points,
    params: own(pairs.map(({ key, value }) => [key, value])),
    tags: own(fittedTags.map(({ key, value }) => [key, value])), // The last of a key wins.
  }
}

/** fromEntries makes own properties, `__proto__` included. */
const own = (entries: readonly (readonly [string, string])[]): Record<string, string> => Object.fromEntries(entries)

/** @throws MlflowError INVALID_PARAMETER_VALUE in place of param_changed */
async function toldOfParams(
  tell: (runId: string, changes: readonly ParamChange[]) => string,
  log: () => Promise<void>,
): Promise<void> {
  try {
    await log()
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'param_changed') throw error
    const { id, changes } = error.detail as { id: string; changes: readonly ParamChange[] }
    throw invalidParameter(`Changing param values is not allowed. ${tell(id, changes)}`)
  }
}

const changedParam = (runId: string, [change]: readonly ParamChange[]): string =>
  `Param with key='${change!.key}' was already logged with value='${change!.from}' for run ID='${runId}'. Attempted logging new value '${change!.to}'.`

function changedParams(runId: string, changes: readonly ParamChange[]): string {
  const told = changes.map(({ key, from, to }) => {
    const [name, before, after] = [key, from, to].map(pythonString)
    return `{'key': ${name}, 'old_value': ${before}, 'new_value': ${after}}`
  })
  return `Params were already logged='[${told.join(', ')}]' for run ID='${runId}'.`
}
