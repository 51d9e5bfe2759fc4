// trueloop predict: asks an endpoint through the gateway, as a client would.
import { z } from 'zod'
import { pathOf, type Client } from '../client/http-client.ts'
import { ModelVersion, parseVersion } from '../models/model-version.ts'
import { DomainError, type ErrorKind } from '../platform/errors.ts'
import { jsonOf } from './arguments.ts'
import { readRows, rowsOfText, type InputRow } from './rows.ts'
import { connect, gatewayUrl, type Session } from './session.ts'
import { table } from './terminal.ts'
import { numberText } from './text.ts'

export interface PredictOptions {
  /** JSON object. */
  readonly row?: string
  readonly key?: string
  /** ISO 8601, for endpoints on the event clock. */
  readonly time?: string
}

const rowsPerRequest = 1000

const Metadata = z.object({ inputs: z.array(z.object({ name: z.string(), datatype: z.string() })) })
type Metadata = z.infer<typeof Metadata>
const Answer = z.object({
  parameters: z.object({ prediction_id: z.string(), version: z.string() }),
  outputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.int()),
      data: z.array(z.union([z.number(), z.boolean(), z.string()])),
    }),
  ),
})
type Answer = z.infer<typeof Answer>
const Refusal = z.object({ error: z.string(), code: z.string().default('gateway_refused') })

export interface Prediction {
  /** Post the outcome under it. */
  readonly predictionId: string
  readonly version: string
  /** By class; of a regression null. */
  readonly probabilities: Readonly<Record<string, number>> | null
  /** The likelier class, or the number. */
  readonly prediction: string | number
}

/** @throws DomainError rows_missing, and what the gateway refuses */
export async function predict(
  session: Session,
  [endpoint, source]: readonly [string, string | undefined],
  options: PredictOptions,
): Promise<void> {
  const url = gatewayUrl(session)
  const rows = await rowsOf(source, options)
  const metadata = await ask(new URL(pathOf`/v2/models/${endpoint}`, url), undefined, Metadata)
  const classes = new Map<string, readonly string[]>()
  const predictions: Prediction[] = []
  for (let at = 0; at < rows.length; at += rowsPerRequest) {
    const part = rows.slice(at, at + rowsPerRequest)
    const answer = await infer(
      new URL(pathOf`/v2/models/${endpoint}/infer`, url),
      { inputs: tensors(part, metadata) },
      options,
    )
    const { version } = answer.parameters
    if (!classes.has(version)) classes.set(version, await readClasses(connect(session), version))
    predictions.push(...predictionsOf(answer, part.length, classes.get(version) ?? []))
  }
  session.terminal.show(predictions, renderPredictions)
}

async function rowsOf(source: string | undefined, { row }: PredictOptions): Promise<InputRow[]> {
  if (row !== undefined && source !== undefined) throw rowsMissing('name a file or give --row, not both')
  if (row !== undefined) {
    jsonOf(row, '--row') // Its own error, since it is an option.
    return rowsOfText(row)
  }
  const rows = source === undefined ? [] : await readRows(source)
  if (rows.length === 0)
    throw rowsMissing('no row to predict: give --row \'{"column": value}\', a file of rows, or - for standard input')
  return rows
}

const rowsMissing = (message: string): DomainError => new DomainError('invalid', 'argument_invalid', message)

/** One input tensor a column, in the datatypes that the model names. A column that it does not know goes along, for the gateway to refuse. */
export function tensors(rows: readonly InputRow[], { inputs }: Metadata): unknown[] {
  const types = new Map(inputs.map(({ name, datatype }) => [name, datatype]))
  const names = new Set(rows.flatMap((row) => Object.keys(row)))
  return [...names].map((name) => {
    const datatype =
      types.get(name) ?? datatypeOf(rows.find((row) => row[name] !== null && row[name] !== undefined)?.[name])
    return { name, datatype, shape: [rows.length], data: rows.map((row) => cellOf(row[name] ?? null, datatype)) }
  })
}

const datatypeOf = (value: unknown): string =>
  typeof value === 'number' ? 'FP64' : typeof value === 'boolean' ? 'BOOL' : 'BYTES'

/** Text of a CSV as what the model takes; what does not read as such goes as it is, for the gateway to refuse. */
function cellOf(value: unknown, datatype: string): unknown {
  if (typeof value !== 'string' || datatype === 'BYTES') return value
  if (datatype === 'BOOL') return value === 'true' ? true : value === 'false' ? false : value
  const number = Number(value)
  return value.trim() !== '' && Number.isFinite(number) ? number : value
}

function infer(url: URL, body: unknown, { key, time }: PredictOptions): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    ...(key === undefined ? {} : { 'trueloop-key': key }),
    ...(time === undefined ? {} : { 'trueloop-event-time': time }),
  }
  return ask(url, { method: 'POST', headers, body: JSON.stringify(body) }, Answer)
}

async function ask<T>(url: URL, request: RequestInit | undefined, answer: z.ZodType<T>): Promise<T> {
  const response = await fetch(url, request).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new DomainError(
      'unavailable',
      'gateway_unreachable',
      `no gateway answers at ${url.origin} (${cause}); "trueloop up" starts one`,
    )
  })
  const text = await response.text()
  if (response.ok) return answer.parse(JSON.parse(text))
  throw refusal(response.status, text)
}

const kindOfStatus: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  415: 'invalid',
}

function refusal(status: number, text: string): DomainError {
  const parsed = Refusal.safeParse(text.startsWith('{') ? JSON.parse(text) : undefined)
  const { error, code } = parsed.success
    ? parsed.data
    : { error: `the gateway answered ${status}: ${text.slice(0, 200)}`, code: 'gateway_refused' }
  return new DomainError(kindOfStatus[status] ?? 'unavailable', code, error)
}

/** Names of the probabilities: the gateway's protocol has numbers only, so the registry is asked. Empty for a regression. */
async function readClasses(client: Client, reference: string): Promise<readonly string[]> {
  const { model, version } = parseVersion(reference)
  const { signature } = await client.call({ path: pathOf`/models/${model}/versions/${version}`, answer: ModelVersion })
  return signature?.classes ?? []
}

/** The id of a row: of several in one request, each has its place after the request's id. */
const rowId = (id: string, row: number, rows: number): string => (rows === 1 ? id : `${id}.${row}`)

export function predictionsOf({ parameters, outputs }: Answer, rows: number, classes: readonly string[]): Prediction[] {
  const output = (name: string): Answer['outputs'][number]['data'] | undefined =>
    outputs.find((each) => each.name === name)?.data
  const probabilities = output('probabilities')
  const labels = output('label')
  return Array.from({ length: rows }, (_, row) => {
    const about = { predictionId: rowId(parameters.prediction_id, row, rows), version: parameters.version }
    if (!probabilities) return { ...about, probabilities: null, prediction: Number(output('prediction')?.[row]) }
    const width = probabilities.length / rows
    const named = Array.from({ length: width }, (__, at): [string, number] => [
      classes[at] ?? `class ${at}`,
      Number(probabilities[row * width + at]),
    ])
    return { ...about, probabilities: Object.fromEntries(named), prediction: className(classes, labels?.[row]) }
  })
}

/** A whole number beyond 2^53 has lost its last digits on the way through JSON; the registry's name has not. */
function className(classes: readonly string[], label: number | boolean | string | undefined): string {
  if (typeof label === 'number') return classes.find((name) => Number(name) === label) ?? String(label)
  return label === undefined ? '' : String(label)
}

export function renderPredictions(predictions: readonly Prediction[]): string {
  const names = [...new Set(predictions.flatMap(({ probabilities }) => Object.keys(probabilities ?? {})))]
  return table(
    ['PREDICTION ID', 'VERSION', 'PREDICTION', ...names.map((name) => `P(${name})`)],
    predictions.map(({ predictionId, version, prediction, probabilities }) => [
      predictionId,
      version,
      typeof prediction === 'number' ? numberText(prediction) : prediction,
      ...names.map((name) => numberText(probabilities?.[name] ?? null)),
    ]),
  )
}
