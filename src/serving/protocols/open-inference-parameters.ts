// Parameters of the Open Inference Protocol and of Triton's extensions that mean something here; all others are let pass. Pure.
import { DomainError } from '../../platform/errors.ts'
import { isJsonObject, type JsonObject } from './json-body.ts'

/** How the caller wants an output. */
export interface WantedOutput {
  readonly name: string
  readonly isBinary: boolean
  /** So many of the likeliest classes as text, in place of the tensor; 0: the tensor. */
  readonly classes: number
}

export interface RequestParameters {
  /** Outputs that say nothing else are raw bytes. */
  readonly isBinary: boolean
  /** 1 is the first to be run, 0 the default. */
  readonly priority: number
  readonly timeoutMs: number | undefined
}

const invalid = (message: string): DomainError => new DomainError('invalid', 'request_invalid', message)

/** @throws DomainError request_invalid */
export function parametersOf(holder: JsonObject, what: string): JsonObject | undefined {
  const { parameters } = holder
  if (parameters === undefined || parameters === null) return undefined
  if (isJsonObject(parameters)) return parameters
  throw invalid(`"parameters" of ${what} must be an object`)
}

function flagOf(parameters: JsonObject | undefined, name: string, what: string): boolean | undefined {
  const value = parameters?.[name]
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(`the parameter "${name}" of ${what} must be true or false, not ${shown(value)}`)
}

/** A whole number from 0; undefined: it is not there. @throws DomainError request_invalid */
export function countOf(parameters: JsonObject | undefined, name: string, what: string): number | undefined {
  const value = parameters?.[name]
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number | undefined
  throw invalid(`the parameter "${name}" of ${what} must be a whole number from 0, not ${shown(value)}`)
}

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 60)

const noParameters: RequestParameters = { isBinary: false, priority: 0, timeoutMs: undefined }

/** @throws DomainError request_invalid */
export function requestParametersOf(body: JsonObject): RequestParameters {
  const parameters = parametersOf(body, 'the request')
  if (!parameters) return noParameters
  const timeoutMicros = countOf(parameters, 'timeout', 'the request') ?? 0
  return {
    isBinary: flagOf(parameters, 'binary_data_output', 'the request') ?? false,
    priority: countOf(parameters, 'priority', 'the request') ?? 0,
    timeoutMs: timeoutMicros === 0 ? undefined : timeoutMicros / 1000,
  }
}

/** As the body lists them; undefined: all. @throws DomainError request_invalid */
export function wantedOutputsOf({ outputs }: JsonObject, isBinary: boolean): WantedOutput[] | undefined {
  if (outputs === undefined || outputs === null) return undefined
  if (!Array.isArray(outputs)) throw invalid('"outputs" must be a list of objects, each with a "name"')
  if (outputs.length === 0) return undefined
  const wanted = new Map<string, WantedOutput>()
  for (const output of outputs as unknown[]) {
    const found = wantedOutputOf(output, isBinary)
    if (wanted.has(found.name)) throw invalid(`"outputs" names "${found.name.slice(0, 100)}" twice`)
    wanted.set(found.name, found)
  }
  return [...wanted.values()]
}

function wantedOutputOf(output: unknown, isBinary: boolean): WantedOutput {
  const name = isJsonObject(output) ? output['name'] : undefined
  if (!isJsonObject(output) || typeof name !== 'string')
    throw invalid('each of "outputs" must be an object with a "name"')
  const what = `output "${name.slice(0, 100)}"`
  const parameters = parametersOf(output, what)
  if (!parameters) return { name, isBinary, classes: 0 }
  assertInBody(parameters, what)
  const classes = countOf(parameters, 'classification', what) ?? 0
  return { name, isBinary: flagOf(parameters, 'binary_data', what) ?? isBinary, classes }
}

/** @throws DomainError extension_unsupported for a tensor in shared memory */
export function assertInBody(parameters: JsonObject | undefined, what: string): void {
  if (parameters?.['shared_memory_region'] === undefined) return
  const message = `${what} is to be in shared memory, which this gateway does not use: send and take it in the body`
  throw new DomainError('invalid', 'extension_unsupported', message)
}
