// A metric's points as MLflow's JSON, printed while they are read: a page may be the whole of a long history.
import { streamHistory, type HistoryDeps, type Measured } from '../../experiments/metric-history.ts'
import type { Integer } from '../../experiments/metric.ts'
import { invalidParameter } from '../wire/errors.ts'
import { printJson } from '../wire/json.ts'
import { doubleOf } from './entities.ts'

export interface HistoryRequest {
  readonly runId: string
  readonly key: string
  readonly after?: Measured | undefined
  /** All by default. */
  readonly limit?: number | undefined
}

/** A list of the metrics and, where there are more, a token for the next page. Empty where there are none, as MLflow's server answers. */
export async function* printHistory(deps: HistoryDeps, request: HistoryRequest): AsyncGenerator<string> {
  const { key, limit = Infinity } = request
  let printed = 0
  let last: Measured | undefined
  let token: string | undefined
  // One more than is printed tells whether there is a next page.
  for await (const chunk of streamHistory(deps, { ...request, limit: request.limit && request.limit + 1 })) {
    const points = chunk.slice(0, limit - printed)
    if (points.length < chunk.length) token = historyToken(points.at(-1) ?? last!)
    last = points.at(-1) ?? last
    if (points.length === 0) continue
    // The whole chunk at once: to add text to text point by point leaves a gigabyte of it behind, and the heap grows by that.
    const metrics = points.map(({ value, atMs, step }) => ({ key, value: doubleOf(value), timestamp: atMs, step }))
    yield `${printed === 0 ? '{"metrics":[' : ','}${printJson(metrics).slice(1, -1)}`
    printed += points.length
  }
  if (printed === 0) yield '{}'
  else yield token === undefined ? ']}' : `],"next_page_token":"${token}"}`
}

const historyToken = ({ step, atMs, value }: Measured): string =>
  Buffer.from(JSON.stringify([step, atMs, value].map(String))).toString('base64url')

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function parseHistoryToken(token: string): Measured {
  const text = Buffer.from(token, 'base64url').toString()
  const found = /^\["(?<step>-?\d{1,19})","(?<atMs>-?\d{1,19})","(?<value>NaN|-?Infinity|[\d.e+\-]{1,25})"\]$/v.exec(
    text,
  )
  const { step, atMs, value } = found?.groups ?? {}
  if (step === undefined || atMs === undefined || value === undefined) {
    throw invalidParameter(`Invalid page token, decoded value=b'${pythonBytes(token)}'`)
  }
  return { step: integerOf(step), atMs: integerOf(atMs), value: Number(value) }
}

function integerOf(text: string): Integer {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** What a token holds, as Python shows bytes. */
const pythonBytes = (token: string): string =>
  Buffer.from(token, 'base64')
    .toString('latin1')
    .replaceAll(/[^ -~]/gv, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`)
