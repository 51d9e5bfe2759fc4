// Tensors over gRPC, typed and raw, are the values that were written, for random values of every datatype; and nothing else is taken.
import { WireType, type BinaryWriter } from '@bufbuild/protobuf/wire'
import { expect, test } from 'vitest'
import { DomainError } from '../../platform/errors.ts'
import { inferRequest, type TestTensor } from '../grpc/testing.ts'
import { bytesOfValues, type Datatype, type TensorValues } from './datatypes.ts'
import { inputTensors, readInferRequest } from './grpc-infer.ts'
import { createRandom } from '../../platform/testing-random.ts'

type Random = ReturnType<typeof createRandom>

const whole = (random: Random, low: number, high: number): number =>
  random() < 0.1 ? (random() < 0.5 ? low : high) : Math.floor(low + random() * (high - low + 1))
const long = (random: Random): bigint =>
  (BigInt(whole(random, 0, 2 ** 32 - 1)) << 32n) | BigInt(whole(random, 0, 2 ** 32 - 1))
const real = (random: Random): number =>
  random() < 0.1
    ? [Number.NaN, Infinity, -Infinity, -0][whole(random, 0, 3)]!
    : (random() - 0.5) * 10 ** whole(random, -30, 30)
const words = ['', 'AA', 'Zürich', '\u{1F6EB}', '\0', '\u2028']

interface Kind {
  readonly datatype: Datatype
  readonly field: number
  readonly values: (random: Random, count: number) => TensorValues
  readonly write: (writer: BinaryWriter, value: never) => unknown
}

const many = <T>(count: number, of: () => T): T[] => Array.from({ length: count }, of)
const int32 = (writer: BinaryWriter, value: number) => writer.int32(value)
const uint32 = (writer: BinaryWriter, value: number) => writer.uint32(value)

const kinds: readonly Kind[] = [
  { datatype: 'BOOL', field: 1, values: (r, n) => Uint8Array.from(many(n, () => whole(r, 0, 1))), write: (w, v) => w.bool(Boolean(v)) },
  { datatype: 'INT8', field: 2, values: (r, n) => Int8Array.from(many(n, () => whole(r, -128, 127))), write: int32 },
  { datatype: 'INT16', field: 2, values: (r, n) => Int16Array.from(many(n, () => whole(r, -32_768, 32_767))), write: int32 },
  { datatype: 'INT32', field: 2, values: (r, n) => Int32Array.from(many(n, () => whole(r, -(2 ** 31), 2 ** 31 - 1))), write: int32 },
  { datatype: 'INT64', field: 3, values: (r, n) => BigInt64Array.from(many(n, () => long(r))), write: (w, v: bigint) => w.int64(v) },
  { datatype: 'UINT8', field: 4, values: (r, n) => Uint8Array.from(many(n, () => whole(r, 0, 255))), write: uint32 },
  { datatype: 'UINT16', field: 4, values: (r, n) => Uint16Array.from(many(n, () => whole(r, 0, 65_535))), write: uint32 },
  { datatype: 'UINT32', field: 4, values: (r, n) => Uint32Array.from(many(n, () => whole(r, 0, 2 ** 32 - 1))), write: uint32 },
  { datatype: 'UINT64', field: 5, values: (r, n) => BigUint64Array.from(many(n, () => BigInt.asUintN(64, long(r)))), write: (w, v: bigint) => w.uint64(v) },
  { datatype: 'FP32', field: 6, values: (r, n) => Float32Array.from(many(n, () => real(r))), write: (w, v: number) => w.float(v) },
  { datatype: 'FP64', field: 7, values: (r, n) => Float64Array.from(many(n, () => real(r))), write: (w, v: number) => w.double(v) },
  { datatype: 'BYTES', field: 8, values: (r, n) => many(n, () => words[whole(r, 0, words.length - 1)]!), write: (w, v: string) => w.string(v) },
] // prettier-ignore

/** As one packed field, several of them, or each value by itself: they all mean the same. */
function contentsOf(
  { field, write }: Kind,
  values: readonly unknown[],
  random: Random,
): (writer: BinaryWriter) => void {
  const wireType = field === 6 ? WireType.Bit32 : field === 7 ? WireType.Bit64 : WireType.Varint
  return (writer) => {
    for (let at = 0; at < values.length;) {
      if (field === 8 || random() < 0.2) {
        write(writer.tag(field, field === 8 ? WireType.LengthDelimited : wireType), values[at++] as never)
        continue
      }
      const end = Math.min(values.length, at + whole(random, 1, values.length))
      writer.tag(field, WireType.LengthDelimited).fork()
      for (; at < end; at++) write(writer, values[at] as never)
      writer.join()
    }
  }
}

const read = (inputs: readonly TestTensor[]) => inputTensors(readInferRequest(inferRequest({ inputs })))

test('typed contents and raw bytes are the values that were written', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed)
    const rows = whole(random, 0, 9)
    const tensors = kinds.flatMap((kind, at) => {
      if (random() < 0.4) return []
      return [{ kind, name: `c${at}`, values: kind.values(random, rows), shape: random() < 0.5 ? [rows] : [rows, 1] }]
    })
    if (tensors.length === 0) continue
    const shown = tensors.map(({ name, values, kind }) => [
      name,
      kind.datatype,
      Array.from(values as readonly unknown[]),
    ])
    const found = (inputs: readonly TestTensor[]) =>
      read(inputs).map(({ name, datatype, values }) => [name, datatype, Array.from(values as readonly unknown[])])
    const heads = tensors.map(({ name, kind: { datatype }, shape }) => ({ name, datatype, shape }))
    const typed = tensors.map(({ kind, values }, at) => {
      return { ...heads[at]!, contents: contentsOf(kind, Array.from(values as readonly unknown[]), random) }
    })
    const raw = tensors.map(({ kind, values }, at) => ({ ...heads[at]!, raw: bytesOfValues(kind.datatype, values) }))
    expect(found(typed), `seed ${seed}`).toEqual(shown)
    expect(found(raw), `seed ${seed}`).toEqual(shown)
  }
})

const refusal = (inputs: readonly TestTensor[], moreRaw: readonly Uint8Array[] = []): string => {
  try {
    inputTensors(readInferRequest(inferRequest({ inputs, moreRaw })))
  } catch (error) {
    if (error instanceof DomainError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'taken'
}

test('what contradicts itself is refused by the name of the tensor', () => {
  const x = { name: 'x', datatype: 'FP32', shape: [2] }
  const floats = (count: number) => (writer: BinaryWriter) => {
    writer.tag(6, WireType.LengthDelimited).fork()
    for (let at = 0; at < count; at++) writer.float(at)
    writer.join()
  }
  const raw = new Uint8Array(8)
  expect(refusal([{ ...x, contents: floats(2) }])).toBe('taken')
  expect(refusal([{ ...x, contents: floats(1) }])).toContain('"x" has 1 values, and its shape says 2')
  expect(refusal([{ ...x, contents: floats(3) }])).toContain('"x" has more values than its shape says, which is 2')
  expect(refusal([{ ...x, contents: floats(2), raw }])).toContain('"x" has contents beside raw_input_contents')
  expect(refusal([{ ...x, raw }], [raw])).toContain('raw_input_contents has 2 tensors, and "inputs" has 1')
  expect(refusal([{ ...x, raw: new Uint8Array(7) }])).toContain('"x" has 7 bytes, and 2 values of FP32 are 8')
  expect(refusal([{ ...x, datatype: 'FP64', contents: floats(2) }])).toContain('belong in fp64_contents')
  expect(refusal([{ ...x, datatype: 'FP16', contents: floats(2) }])).toContain('send it in raw_input_contents')
  expect(refusal([{ ...x, datatype: 'FP99', raw }])).toContain('has the datatype "FP99"')
  expect(refusal([{ ...x, shape: [2n ** 53n + 1n], contents: floats(2) }])).toContain('tensor_invalid')
  expect(refusal([{ ...x, shape: [-1], contents: floats(2) }])).toContain('tensor_invalid')
  expect(refusal([{ ...x, shape: [10_000, 2 ** 52], contents: floats(2) }])).toContain('tensor_invalid')
  expect(refusal([{ ...x, shape: [10_001], contents: floats(2) }])).toContain('rows_too_many')
  expect(refusal([{ ...x, parameters: { shared_memory_region: 'mine' } }])).toContain('extension_unsupported')
  const narrow = (writer: BinaryWriter) => void writer.tag(4, WireType.Varint).uint32(256)
  expect(refusal([{ name: 'n', datatype: 'UINT8', shape: [1], contents: narrow }])).toContain('"n" is 256 in value 0')
  const broken = (writer: BinaryWriter) => void writer.tag(8, WireType.LengthDelimited).bytes(Uint8Array.of(0xff))
  expect(refusal([{ name: 't', datatype: 'BYTES', shape: [1], contents: broken }])).toContain('no UTF-8 text')
})

test('a message cut anywhere, or with any byte changed, is read or refused, and never anything else', () => {
  const random = createRandom(7)
  const contents = (writer: BinaryWriter) =>
    void writer.tag(3, WireType.LengthDelimited).fork().int64(5).int64(-7).join()
  const whole_ = inferRequest({
    id: 'abc',
    parameters: { priority: 1n, timeout: 5_000n },
    outputs: ['probabilities'],
    inputs: [{ name: 'x', datatype: 'INT64', shape: [2, 1], contents, parameters: { note: 'long enough' } }],
  })
  const attempt = (bytes: Uint8Array): string => {
    try {
      inputTensors(readInferRequest(bytes))
      return 'read'
    } catch (error) {
      if (error instanceof DomainError) return 'refused'
      throw error
    }
  }
  const seen = new Set<string>()
  for (let end = 0; end < whole_.length; end++) seen.add(attempt(whole_.subarray(0, end)))
  for (let turn = 0; turn < 20_000; turn++) {
    const bytes = whole_.slice()
    for (let changes = whole(random, 1, 4); changes > 0; changes--)
      bytes[whole(random, 0, bytes.length - 1)] = whole(random, 0, 255)
    seen.add(attempt(bytes))
  }
  expect([...seen].toSorted()).toEqual(['read', 'refused'])
})
