// Tags of experiments that MLflow's server gives a meaning: it checks them when they are set.
import { invalidParameter } from '../wire/errors.ts'
import { assertEntryName, assertLength, keyLengthMax } from './names.ts'

const valueLengthMax = 20_000
const viewPrefix = 'mlflow.customView.view'
const viewsMax = 50
const durationLengthMax = 32

interface Tag {
  readonly key: string
  readonly value: string
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertExperimentTag({ key, value }: Tag): void {
  assertEntryName(key, 'key')
  assertLength(key, { what: 'key', max: keyLengthMax })
  assertLength(value, { what: 'value', max: valueLengthMax })
  if (key === 'mlflow.trace.archivalRetention') assertDuration(value, { field: 'value', type: 'duration' })
  if (key === 'mlflow.trace.archiveNow') assertDuration(value, { field: 'older_than', isOptional: true })
}

function assertDuration(
  json: string,
  { field, type, isOptional = false }: { field: string; type?: string; isOptional?: boolean },
): void {
  const config = objectOf(json)
  if (!config) throw invalidParameter('Trace archival config must be encoded as a JSON object.')
  if (type !== undefined && config['type'] !== type) {
    throw invalidParameter(`Trace archival config must use type '${type}'.`)
  }
  const duration = config[field] ?? undefined
  if (duration === undefined && isOptional) return
  const text = typeof duration === 'string' ? duration.trim() : ''
  if (text.length > durationLengthMax) {
    throw invalidParameter('Trace archival duration must be at most 32 characters.')
  }
  if (/^[1-9]\d*[mhd]$/v.test(text)) return
  throw invalidParameter(
    "Trace archival retention must be in the form `<int><unit>`, where unit is one of 'm', 'h', or 'd'.",
  )
}

function objectOf(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

export const isCustomView = (key: string): boolean => key.startsWith(viewPrefix)

/** @param experiment Its id, where it is there already. @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertCustomViewsFit(keys: readonly string[], experiment?: number): void {
  if (keys.filter(isCustomView).length <= viewsMax) return
  const of = experiment === undefined ? '' : ` for experiment ${experiment}`
  throw invalidParameter(
    `Unable to create another custom view${of}; the maximum number of custom views per experiment is ${viewsMax}. Delete an existing custom view before creating a new one.`,
  )
}
