// Requests and answers as CloudEvents in the form of KServe's logger: HTTP's binary mode, attributes as headers, the body in V2's JSON. Pure.
import { statusOf } from '../worker/http/http-answer.ts'
import type { FailedRequest, LoggedAnswer } from '../worker/reports/logged-request.ts'
import { columnsByName } from '../protocols/request-rows.ts'
import { valueText } from '../worker/reports/raw-inputs.ts'
import { writeOpenInference } from '../protocols/open-inference-answer.ts'
import { tensorsOfSignature } from '../protocols/tensors.ts'

/** What an event is of. */
export type EventSubject =
  | { readonly answer: LoggedAnswer; readonly failure?: undefined }
  | { readonly failure: FailedRequest; readonly answer?: undefined }

export interface CloudEvent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

const types = {
  request: 'org.kubeflow.serving.inference.request',
  response: 'org.kubeflow.serving.inference.response',
} as const

/** Undefined: there is nothing to tell, for the request could not be read so far. */
export function cloudEventOf(kind: 'request' | 'response', subject: EventSubject): CloudEvent | undefined {
  const { id, endpoint, variant, atMs } = subject.answer ?? subject.failure
  const body = kind === 'request' ? requestText(subject) : answerText(subject)
  if (body === undefined) return undefined
  const status = subject.failure ? statusOf(subject.failure.error) : 200
  return {
    body,
    headers: {
      'ce-id': id,
      'ce-specversion': '1.0',
      'ce-source': `/v2/models/${endpoint.name}`,
      'ce-type': types[kind],
      'ce-time': new Date(atMs).toISOString(),
      'ce-inferenceservicename': endpoint.name,
      'ce-component': 'predictor',
      'ce-endpoint': variant?.role === 'canary' ? 'canary' : 'default',
      ...(variant ? { 'ce-modelversion': variant.variant.version } : {}),
      ...(kind === 'response' ? { 'ce-statuscode': String(status) } : {}),
    },
  }
}

/** Without the columns that are to be redacted. */
function requestText({ answer, failure }: EventSubject): string | undefined {
  const { id, endpoint, variant } = answer ?? failure
  const rows = answer ? { columns: answer.columns, count: answer.rows } : failure.rows
  const signature = (variant ?? endpoint.champion)?.variant.signature
  if (!rows || !signature) return undefined
  const { redact } = endpoint.config.options
  const columns = columnsByName(rows.columns)
  const inputs = tensorsOfSignature(signature)
    .inputs.filter(({ name }) => Object.hasOwn(columns, name) && !redact.includes(name))
    .map(({ name, datatype }) => {
      const values = Array.from({ length: rows.count }, (_, row) => valueText(columns[name]![row], { name, signature }))
      return `{"name":${JSON.stringify(name)},"shape":[${rows.count},1],"datatype":"${datatype}","data":[${values.join(',')}]}`
    })
  return `{"id":"${id}","inputs":[${inputs.join(',')}]}`
}

/** Of an error only its code: its message may hold values. */
function answerText({ answer, failure }: EventSubject): string | Uint8Array {
  if (failure) return JSON.stringify({ id: failure.id, error: failure.error.code })
  const { id, endpoint, variant, outcome, rows } = answer
  const { signature, version } = variant.variant
  const facts = { endpoint: endpoint.name, version, predictionId: id, callerId: undefined }
  const found = { predictions: outcome.predictions, offset: outcome.offset, rows }
  return writeOpenInference(signature, found, { facts, wanted: { outputs: undefined, isBinary: false } }).body
}
