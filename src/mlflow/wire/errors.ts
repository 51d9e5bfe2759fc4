// MLflow's errors: a code and a message that its clients match on. Rules of the stages are told in its words here.
import type { DomainError, ErrorKind } from '../../platform/errors.ts'
import { reprOf } from '../filter/python.ts'

const statuses = {
  BAD_REQUEST: 400,
  INVALID_PARAMETER_VALUE: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  ENDPOINT_NOT_FOUND: 404,
  NOT_FOUND: 404,
  RESOURCE_DOES_NOT_EXIST: 404,
  RESOURCE_CONFLICT: 409,
  REQUEST_LIMIT_EXCEEDED: 429,
  INTERNAL_ERROR: 500,
  INVALID_STATE: 500,
  FEATURE_DISABLED: 500,
  NOT_IMPLEMENTED: 501,
  TEMPORARILY_UNAVAILABLE: 503,
} as const

/** https://mlflow.org/docs/latest/api_reference/rest-api.html: the names that its clients know. */
export type ErrorCode = keyof typeof statuses

/** An answer that is an error: thrown by what translates, where the check itself is MLflow's (the syntax of a name, a limit). */
export class MlflowError extends Error {
  readonly code: ErrorCode
  readonly status: number

  constructor(code: ErrorCode, message: string, status: number = statuses[code]) {
    super(message)
    this.name = 'MlflowError'
    this.code = code
    this.status = status
  }
}

export const mlflowError = (code: ErrorCode, message: string): MlflowError => new MlflowError(code, message)
export const invalidParameter = (message: string): MlflowError => new MlflowError('INVALID_PARAMETER_VALUE', message)

interface Translation {
  readonly code: ErrorCode
  /** The stage's own message by default. */
  readonly message?: (facts: Readonly<Record<string, unknown>>, message: string) => string
  /** The code's own by default. */
  readonly status?: number
}

/** Codes of the stages (docs/reference/errors.md) whose MLflow code or text is not that of their kind. */
const translations: Readonly<Record<string, Translation | undefined>> = {
  webhook_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id }) => `Webhook with ID ${String(id)} not found.`,
  },
  model_exists: { code: 'RESOURCE_ALREADY_EXISTS', message: nameTaken },
  model_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ model }) => `Registered Model with name=${String(model)} not found`,
  },
  model_version_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ model, version }) => `Model Version (name=${String(model)}, version=${String(version)}) not found`,
  },
  experiment_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ experiment }) =>
      typeof experiment === 'number'
        ? `No Experiment with id=${experiment} exists`
        : `Could not find experiment with name '${String(experiment)}'`,
  },
  experiment_exists: {
    code: 'RESOURCE_ALREADY_EXISTS',
    message: ({ name }, message) => `Experiment(name=${String(name)}) already exists. Error: ${message}`,
  },
  experiment_deleted: {
    code: 'INVALID_PARAMETER_VALUE',
    message: ({ id }) => `The experiment ${String(id)} must be in the 'active' state. Current state is deleted.`,
  },
  experiment_tag_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id, key }) => `No tag with name: ${String(key)} in experiment with id ${String(id)}`,
  },
  run_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id }) => `Run with id=${String(id)} not found`,
  },
  run_deleted: {
    code: 'INVALID_PARAMETER_VALUE',
    message: ({ id }) => `The run ${String(id)} must be in the 'active' state. Current state is deleted.`,
  },
  run_tag_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id, key }) => `No tag with name: ${String(key)} in run with id ${String(id)}`,
  },
  run_output_step: { code: 'BAD_REQUEST' },
  page_token: { code: 'INVALID_PARAMETER_VALUE', message: () => 'Invalid page token' },
  artifact_path_invalid: { code: 'INVALID_PARAMETER_VALUE', message: () => 'Invalid path' },
  artifact_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ path }) => `No such artifact: '${String(path)}'`,
  },
  artifact_is_directory: {
    code: 'INVALID_PARAMETER_VALUE',
    message: ({ path }) => `Artifact path refers to a directory, not a file: '${String(path)}'`,
  },
  logged_model_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id }) => `Logged model with ID '${String(id)}' not found.`,
  },
  logged_model_tag_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id, key }) => `No tag with key '${String(key)}' found for model with ID '${String(id)}'.`,
  },
  logged_model_name: {
    code: 'INVALID_PARAMETER_VALUE',
    message: ({ name }) =>
      `Invalid model name (${reprOf(String(name))}) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
  },
  logged_model_key_twice: { code: 'BAD_REQUEST' },
  trace_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id }) => `Trace with ID '${String(id)}' not found.`,
  },
  trace_tag_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id, key }) => `No trace tag with key '${String(key)}' for trace with ID '${String(id)}'`,
  },
  trace_text_too_long: {
    code: 'INVALID_PARAMETER_VALUE',
    message: ({ what, limit }) => `'${String(what)}' exceeds the maximum length of ${String(limit)} characters`,
  },
  trace_links_too_many: {
    code: 'INVALID_PARAMETER_VALUE',
    message: ({ max, count }) =>
      `Cannot link more than ${String(max)} traces to a run in a single request. Provided ${String(count)} traces.`,
  },
  trace_spans_elsewhere: { code: 'INVALID_STATE' },
  assessment_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id, traceId }) => `Assessment with ID '${String(id)}' not found for trace '${String(traceId)}'`,
  },
  assessment_kind: {
    code: 'INVALID_PARAMETER_VALUE',
    message: ({ kind }) =>
      kind === 'expectation'
        ? 'Cannot update expectation value on a Feedback assessment.'
        : 'Cannot update feedback value on an Expectation assessment.',
  },
  evaluation_dataset_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id }) => `Evaluation dataset with id '${String(id)}' not found`,
  },
  scorer_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ experimentId, name, version }) => {
      const which = version === undefined ? '' : ` and version ${version as number}`
      return `Scorer with name '${String(name)}'${which} not found for experiment ${String(experimentId)}.`
    },
  },
  issue_not_found: {
    code: 'RESOURCE_DOES_NOT_EXIST',
    message: ({ id }) => `Issue with ID '${String(id)}' not found`,
  },
  label_schema_exists: { code: 'RESOURCE_ALREADY_EXISTS' },
  review_queue_exists: { code: 'RESOURCE_ALREADY_EXISTS' },
  disk_full: { code: 'TEMPORARILY_UNAVAILABLE', status: 507 },
}

const ofKind: Readonly<Record<ErrorKind, Translation>> = {
  invalid: { code: 'INVALID_PARAMETER_VALUE' },
  unauthenticated: { code: 'UNAUTHENTICATED' },
  forbidden: { code: 'PERMISSION_DENIED' },
  not_found: { code: 'RESOURCE_DOES_NOT_EXIST' },
  conflict: { code: 'INVALID_PARAMETER_VALUE' },
  too_large: { code: 'INVALID_PARAMETER_VALUE', status: 413 },
  unavailable: { code: 'TEMPORARILY_UNAVAILABLE' },
}

/** Models and prompts share their names. */
function nameTaken({ model, foundPrompt, askedPrompt }: Readonly<Record<string, unknown>>): string {
  const [found, asked] = [foundPrompt, askedPrompt].map((isPrompt) => (isPrompt ? 'Prompt' : 'Registered Model'))
  if (found === asked) return `${asked} (name=${String(model)}) already exists.`
  const taken = `Tried to create a ${asked!.toLowerCase()} with name ${reprOf(String(model))}, but the name is already taken by a ${found!.toLowerCase()}.`
  return `${taken} MLflow does not allow creating a model and a prompt with the same name.`
}

export function translated(error: DomainError): MlflowError {
  const { code, message, status } = translations[error.code] ?? ofKind[error.kind]
  return new MlflowError(code, message?.(error.detail ?? {}, error.message) ?? error.message, status ?? statuses[code])
}
