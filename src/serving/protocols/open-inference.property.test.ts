// The same tensors in JSON and as raw bytes are the same rows of a model, for random values of every datatype.
import { expect, test } from 'vitest'
import { createBatch } from '../../models/batch.ts'
import type { ElementType, Signature, SignatureType } from '../../models/signature.ts'
import { packRows } from '../worker/compute/packed-rows.ts'
import { bytesOfValues, type Datatype, type TensorValues } from './datatypes.ts'
import { readOpenInference } from './open-inference.ts'
import { appendRequest } from './request-rows.ts'
import { rowsOfTensors } from './tensors.ts'
import { createRandom } from '../../platform/testing-random.ts'

type Random = ReturnType<typeof createRandom>

interface Kind {
  readonly datatype: Datatype
  readonly type: SignatureType
  readonly elementType: ElementType
  readonly values: (random: Random, count: number) => TensorValues
}

const whole =
  (low: number, high: number) =>
  (random: Random): number =>
    random() < 0.1 ? (random() < 0.5 ? low : high) : Math.floor(low + random() * (high - low + 1))
const long = (random: Random): bigint =>
  (BigInt(Math.floor(random() * 2 ** 32)) << 32n) | BigInt(whole(0, 2 ** 32 - 1)(random))
const fill = <T>(random: Random, count: number, of: (random: Random) => T): T[] =>
  Array.from({ length: count }, () => of(random))
const words = ['', 'AA', 'Zürich', '\u{1F6EB}', '"\\', '1e5', '\u2028']

const kinds: readonly Kind[] = [
  { datatype: 'BOOL', type: 'boolean', elementType: 'bool', values: (r, n) => fill(r, n, (x) => x() < 0.5) },
  { datatype: 'INT8', type: 'integer', elementType: 'int32', values: (r, n) => Int8Array.from(fill(r, n, whole(-128, 127))) },
  { datatype: 'UINT8', type: 'integer', elementType: 'int32', values: (r, n) => Uint8Array.from(fill(r, n, whole(0, 255))) },
  { datatype: 'INT16', type: 'integer', elementType: 'int32', values: (r, n) => Int16Array.from(fill(r, n, whole(-32_768, 32_767))) },
  { datatype: 'UINT16', type: 'integer', elementType: 'int32', values: (r, n) => Uint16Array.from(fill(r, n, whole(0, 65_535))) },
  { datatype: 'INT32', type: 'integer', elementType: 'int32', values: (r, n) => Int32Array.from(fill(r, n, whole(-(2 ** 31), 2 ** 31 - 1))) },
  { datatype: 'UINT32', type: 'long', elementType: 'int64', values: (r, n) => Uint32Array.from(fill(r, n, whole(0, 2 ** 32 - 1))) },
  { datatype: 'INT64', type: 'long', elementType: 'int64', values: (r, n) => BigInt64Array.from(fill(r, n, long)) },
  { datatype: 'UINT64', type: 'long', elementType: 'int64', values: (r, n) => BigUint64Array.from(fill(r, n, (x) => long(x) >> 1n)) },
  { datatype: 'FP32', type: 'float', elementType: 'float32', values: (r, n) => Float32Array.from(fill(r, n, (x) => (x() - 0.5) * 10 ** whole(-30, 30)(x))) },
  { datatype: 'FP64', type: 'double', elementType: 'float64', values: (r, n) => Float64Array.from(fill(r, n, (x) => (x() - 0.5) * 10 ** whole(-300, 300)(x))) },
  { datatype: 'FP64', type: 'datetime', elementType: 'int64', values: (r, n) => Float64Array.from(fill(r, n, whole(-1e12, 4e12))) },
  { datatype: 'BYTES', type: 'string', elementType: 'string', values: (r, n) => fill(r, n, (x) => words[whole(0, words.length - 1)(x)]!) },
] // prettier-ignore

/** JSON has no bigints, so it is written by hand. */
const textOf = (value: unknown): string => (typeof value === 'bigint' ? String(value) : JSON.stringify(value))
const nest = (data: readonly string[]): string => `[${data.map((text) => `[${text}]`).join(',')}]`

function bodies(
  random: Random,
  columns: readonly { name: string; kind: Kind }[],
  rows: number,
): { json: Buffer; raw: [Buffer, number] } {
  const json: string[] = []
  const headers: object[] = []
  const parts: Uint8Array[] = []
  for (const { name, kind } of columns) {
    const { datatype } = kind
    const values = kind.values(random, rows)
    const texts = Array.from(values, textOf)
    const isNested = random() < 0.5
    const shape = isNested ? `[${rows},1]` : `[${rows}]`
    json.push(
      `{"name":"${name}","datatype":"${datatype}","shape":${shape},"data":${isNested ? nest(texts) : `[${texts.join(',')}]`}}`,
    )
    const bytes = bytesOfValues(datatype, values)
    parts.push(bytes)
    headers.push({ name, datatype, shape: [rows], parameters: { binary_data_size: bytes.length } })
  }
  const header = Buffer.from(JSON.stringify({ inputs: headers }))
  return {
    json: Buffer.from(`{"inputs":[${json.join(',')}]}`),
    raw: [Buffer.concat([header, ...parts]), header.length],
  }
}

const signatureOf = (columns: readonly { name: string; kind: Kind }[]): Signature => ({
  task: 'regression',
  inputs: columns.map(({ name, kind: { type } }) => ({ name, type, required: true })),
  tensors: columns.map(({ name, kind: { elementType } }) => ({ name, elementType, columns: [name] })),
  classes: [],
})

test('JSON and raw bytes are the same rows', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed)
    const columns = kinds.flatMap((kind, at) => (random() < 0.6 ? [{ name: `c${at}`, kind }] : []))
    const signature = signatureOf(columns)
    const rowsOf = (body: Buffer, jsonBytes: number): Buffer => {
      const batch = createBatch(signature)
      appendRequest(batch, rowsOfTensors(readOpenInference(body, jsonBytes).inputs, signature).columns)
      return packRows(batch)
    }
    const { json, raw } = bodies(random, columns, whole(0, 9)(random))
    expect(rowsOf(json, json.length), `seed ${seed}`).toEqual(rowsOf(...raw))
  }
})

test('16-bit floats as raw bytes are the numbers that JSON writes out', () => {
  const signature: Signature = {
    task: 'regression',
    inputs: [{ name: 'x', type: 'float', required: true }],
    classes: [],
  }
  const halves = Uint16Array.from({ length: 0x7c_00 }, (_, bits) => bits)
  for (let start = 0; start < halves.length; start += 1024) {
    const part = halves.slice(start, start + 1024)
    const header = (datatype: string) =>
      Buffer.from(
        JSON.stringify({
          inputs: [{ name: 'x', datatype, shape: [part.length], parameters: { binary_data_size: part.byteLength } }],
        }),
      )
    const json = header('FP16')
    const { values } = readOpenInference(Buffer.concat([json, new Uint8Array(part.buffer)]), json.length).inputs[0]!
    expect(Array.from(values)).toEqual(Array.from(new Float16Array(part.buffer)))
    expect(rowsOfTensors([{ name: 'x', datatype: 'FP16', shape: [part.length], values }], signature).rows).toBe(
      part.length,
    )
  }
})
