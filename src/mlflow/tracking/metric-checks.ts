// What MLflow's server checks of metrics, params and batches, in its order and its words.
import type { LoggedPoint } from '../../experiments/metric.ts'
import { pythonJson } from '../wire/checks.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { Metric, Param } from '../generated/messages.ts'
import { assertEntryName, assertLength, fitted, keyLengthMax } from './names.ts'
import { pythonFloat, pythonString } from './python-text.ts'

const paramValueLengthMax = 6000
const metricsMax = 1000
const paramsMax = 100
const tagsMax = 100
const entriesMax = 1000
const runIdPattern = /^[A-Za-z0-9][\p{L}\p{N}_\-]{0,255}\n?$/v

/** Unlike a run that is not there. @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertRunId(id: string): void {
  if (!runIdPattern.test(id)) throw invalidParameter(`Invalid value ${pythonJson(id)} for parameter 'run_id' supplied.`)
}

/** A dataset is named whole or not at all. @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertDatasetWhole({ dataset_name, dataset_digest }: Metric): void {
  if (((dataset_name || '') !== '') === ((dataset_digest || '') !== '')) return
  throw invalidParameter('Both dataset_name and dataset_digest must be provided if one is provided')
}

/**
 * A metric as it is stored. Infinities become the greatest doubles, as MLflow's server has them.
 * @param path Empty, or where it was given, such as `metrics[3].`
 * @throws MlflowError INVALID_PARAMETER_VALUE
 */
export function pointOf(metric: Metric, path: string): LoggedPoint {
  const { key = '', timestamp = 0, step = 0, model_id: model } = metric
  const value = Number(metric.value)
  assertEntryName(key, `${path}name`)
  if (timestamp < 0) {
    const why = `metric '${key}' (value=${pythonFloat(value)}). Timestamp must be a nonnegative long (64-bit integer) `
    throw invalidParameter(`Invalid value ${timestamp} for parameter '${path}timestamp' supplied: ${why}`)
  }
  assertLength(key, { what: 'Metric name', max: keyLengthMax })
  const stored = Number.isFinite(value) || Number.isNaN(value) ? value : Math.sign(value) * Number.MAX_VALUE
  const { dataset_name: name, dataset_digest: digest } = metric
  const dataset = name && digest ? { name, digest } : null
  return { key, step, atMs: timestamp, value: stored, model: model ? { id: model, dataset } : undefined }
}

/** @param path Empty, or where it was given, such as `params[3].` @throws MlflowError INVALID_PARAMETER_VALUE */
export function paramOf(
  { key = '', value = '' }: Param,
  { path, truncates }: { path: string; truncates: boolean },
): Param & { key: string; value: string } {
  assertEntryName(key, `${path}key`)
  assertLength(key, { what: 'Param key', max: keyLengthMax })
  return { key, value: fitted(value, { what: 'Param value', max: paramValueLengthMax, truncates }) }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertBatchFits({ metrics, params, tags }: Record<'metrics' | 'params' | 'tags', number>): void {
  const counts = [
    ['metrics', metricsMax, metrics],
    ['params', paramsMax, params],
    ['tags', tagsMax, tags],
    ['metrics, params, and tags', entriesMax, metrics + params + tags],
  ] as const
  for (const [what, max, count] of counts) {
    if (count <= max) continue
    throw invalidParameter(
      `A batch logging request can contain at most ${max} ${what}. Got ${count} ${what}. Please split up ${what} across multiple requests and try again.`,
    )
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertKeysUnique(params: readonly { readonly key: string }[]): void {
  const seen = new Set<string>()
  const twice = params.filter(({ key }) => seen.size === seen.add(key).size).map(({ key }) => pythonString(key))
  if (twice.length === 0) return
  throw invalidParameter(
    `Duplicate parameter keys have been submitted: [${twice.join(', ')}]. Please ensure the request contains only one param value per param key.`,
  )
}
