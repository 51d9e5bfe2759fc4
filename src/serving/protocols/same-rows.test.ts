// The same table in every protocol and format is the same rows of a model: random values of every type, missing ones included.
import { expect, test } from 'vitest'
import { cellAt, createBatch } from '../../models/rows.ts'
import type { Signature, SignatureType } from '../../models/signature.ts'
import { parseLenientJson } from './lenient-json.ts'
import { readCsvInvocation, readInvocation } from './mlflow.ts'
import { readOpenInference } from './open-inference.ts'
import { appendRequest, type RequestRows } from './request-rows.ts'
import { rowsOfTensors } from './tensors.ts'
import { readV1 } from './v1.ts'
import { createRandom } from '../../platform/testing-random.ts'

type Random = ReturnType<typeof createRandom>

type Value = boolean | number | bigint | string | null
const below = (random: Random, limit: number): number => Math.floor(random() * limit)
const words = ['AA', '007', 'Zürich', '\u{1F6EB}', '"\\', 'a,b', 'two\nlines', 'NaN', '1e5', 'true', '\u2028', ' ']

const valueOf: Readonly<Record<SignatureType, (random: Random) => Value>> = {
  boolean: (random) => random() < 0.5,
  integer: (random) => below(random, 2 ** 32) - 2 ** 31,
  long: (random) => (BigInt(below(random, 2 ** 32)) << 31n) + BigInt(below(random, 2 ** 31)) - 2n ** 62n,
  float: (random) => Math.fround((random() - 0.5) * 10 ** below(random, 30)),
  double: (random) => (random() - 0.5) * 10 ** (below(random, 200) - 100),
  string: (random) => words[below(random, words.length)]!,
  datetime: (random) => (random() < 0.5 ? below(random, 2e12) + 1e11 : new Date(below(random, 2e12)).toISOString()),
}
const elementOf = {
  boolean: 'float32',
  integer: 'float32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
  string: 'string',
  datetime: 'int64',
} as const
const datatypeOf = { boolean: 'BOOL', integer: 'INT32', long: 'INT64', float: 'FP32', double: 'FP64', string: 'BYTES' }
const types = Object.keys(valueOf) as SignatureType[]

interface Table {
  readonly signature: Signature
  readonly rows: readonly (readonly Value[])[]
}

function tableOf(random: Random): Table {
  const chosen = types.flatMap((type) => Array.from({ length: below(random, 3) }, () => type))
  const inputs = (chosen.length > 0 ? chosen : types.slice(0, 1)).map((type, at) => ({
    name: `${type} "${at}", ü`,
    type,
    required: true,
  }))
  const tensors = inputs.map(({ name, type }) => ({ name, elementType: elementOf[type], columns: [name] }))
  const cell = (type: SignatureType): Value =>
    // A whole number of the graph's own cannot be missing.
    random() < 0.1 && type !== 'long' ? null : valueOf[type](random)
  const rows = Array.from({ length: below(random, 6) }, () => inputs.map(({ type }) => cell(type)))
  return { signature: { task: 'regression', inputs, tensors, classes: [] }, rows }
}

/** JSON has no bigints, and Python writes what is missing as NaN. */
function textOf(value: unknown, missing: string): string {
  if (value === null) return missing
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map((each) => textOf(each, missing)).join(',')}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  const fields = Object.entries(value as object).map(
    ([name, each]) => `${JSON.stringify(name)}:${textOf(each, missing)}`,
  )
  return `{${fields.join(',')}}`
}

function csvOf(names: readonly string[], rows: Table['rows'], random: Random): string {
  const field = (value: Value): string => {
    const text = value === null ? '' : String(value)
    // An empty line is none: pandas, too, writes one empty field in quotes.
    const isQuoted = /[",\r\n]/v.test(text) || names.length === 1 || random() < 0.3
    return isQuoted ? `"${text.replaceAll('"', '""')}"` : text
  }
  const end = random() < 0.5 ? '\n' : '\r\n'
  return [names, ...rows].map((row) => row.map(field).join(',') + end).join('')
}

/** What each protocol reads of the table; the columns in any order where they have names. */
function readings({ signature, rows }: Table, random: Random): [string, RequestRows][] {
  const names = signature.inputs.map(({ name }) => name)
  const order = names.map((_, at) => at).toSorted(() => random() - 0.5)
  const columns = order.map((at) => names[at]!)
  const data = rows.map((row) => order.map((at) => row[at]!))
  const records = data.map((row) => Object.fromEntries(row.map((value, at) => [columns[at], value])))
  const byColumn = Object.fromEntries(columns.map((name, at) => [name, data.map((row) => row[at])]))
  const missing = random() < 0.5 ? 'null' : 'NaN'
  const parsed = (value: unknown): unknown => parseLenientJson(Buffer.from(textOf(value, missing)))
  const mlflow = (body: unknown): RequestRows => readInvocation(parsed(body), signature)
  const v1 = (body: unknown): RequestRows => readV1(parsed(body), signature)
  const tensors = columns.map((name, at) => {
    const type = signature.inputs[order[at]!]!.type
    const values = data.map((row) => row[at]!)
    const isText = values.some((value) => typeof value === 'string')
    // Both ways to write a time in one tensor have no datatype.
    const written = type === 'datetime' && isText ? values.map((value) => isoOf(value)) : values
    const datatype = type === 'datetime' ? (isText ? 'BYTES' : 'INT64') : datatypeOf[type]
    return { name, datatype, shape: [rows.length], data: written }
  })
  const infer = Buffer.from(textOf({ inputs: tensors }, 'null'))
  return [
    ['dataframe_split', mlflow({ dataframe_split: { columns, data } })],
    ['dataframe_records', mlflow({ dataframe_records: records })],
    ['MLflow instances, lists', mlflow({ instances: rows })],
    ['MLflow instances', mlflow({ instances: records })],
    ['MLflow inputs', mlflow({ inputs: byColumn })],
    ['CSV', readCsvInvocation(csvOf(columns, data, random), signature)],
    ['V1 rows, lists', v1({ instances: rows })],
    ['V1 rows', v1({ instances: records })],
    ['V1 columns', v1({ inputs: byColumn })],
    ['V1 columns of lists of one', v1({ inputs: mapValues(byColumn, (cells) => cells.map((cell) => [cell])) })],
    ['Open Inference Protocol', rowsOfTensors(readOpenInference(infer, infer.length).inputs, signature)],
  ]
}

const isoOf = (value: Value): Value => (typeof value === 'number' ? new Date(value).toISOString() : value)
const mapValues = (columns: Record<string, unknown[]>, of: (cells: unknown[]) => unknown[]): object =>
  Object.fromEntries(Object.entries(columns).map(([name, cells]) => [name, of(cells)]))

test('every protocol reads the same rows of the same table', () => {
  let rowsRead = 0
  for (let seed = 1; seed <= 400; seed++) {
    const random = createRandom(seed)
    const table = tableOf(random)
    const [first, ...others] = readings(table, random).map(([how, { columns, rows }]) => {
      const batch = createBatch(table.signature)
      appendRequest(batch, columns)
      expect([how, batch.rows], `seed ${seed}`).toEqual([how, rows])
      const cells = batch.columns.map((column) => Array.from({ length: rows }, (_, row) => cellAt(column, row)))
      return [how, rows, cells]
    })
    for (const [how, rows, cells] of others)
      expect([how, rows, cells], `seed ${seed}`).toEqual([how, ...first!.slice(1)])
    rowsRead += table.rows.length
  }
  expect(rowsRead).toBeGreaterThan(500) // Empty tables must not pass.
})
