// Values of the datatypes as raw bytes, both ways.
import { expect, test } from 'vitest'
import { bytesOfValues, valuesOfBytes, type Datatype } from './datatypes.ts'

/** A tensor's bytes at an odd place of a larger body, as they come. */
function within(bytes: Uint8Array): Uint8Array {
  const body = new Uint8Array(bytes.length + 1)
  body.set(bytes, 1)
  return body.subarray(1)
}

const read = (datatype: Datatype, count: number, bytes: readonly number[]): unknown[] =>
  Array.from(valuesOfBytes('x', { datatype, count }, within(Uint8Array.from(bytes))) as ArrayLike<unknown>)

test('raw bytes of each datatype are its values, little-endian and wherever they begin', () => {
  expect(read('BOOL', 2, [0, 1])).toEqual([0, 1])
  expect(read('INT8', 2, [0x80, 0x7f])).toEqual([-128, 127])
  expect(read('UINT16', 1, [0xff, 0xfe])).toEqual([0xfeff])
  expect(read('INT32', 1, [0, 0, 0, 0x80])).toEqual([-2_147_483_648])
  expect(read('INT64', 1, [1, 0, 0, 0, 0, 0, 0x20, 0])).toEqual([2n ** 53n + 1n])
  expect(
    read(
      'UINT64',
      1,
      Array.from({ length: 8 }, () => 0xff),
    ),
  ).toEqual([2n ** 64n - 1n])
  expect(read('FP32', 1, [0, 0, 0x80, 0x3f])).toEqual([1])
  expect(read('FP64', 1, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f])).toEqual([1])
})

test('16-bit floats: ones, the least subnormal, infinities and NaN', () => {
  expect(read('FP16', 5, [0, 0x3c, 1, 0, 0, 0xfc, 0, 0x7e, 0xff, 0x7b])).toEqual([1, 2 ** -24, -Infinity, NaN, 65_504])
  expect(read('BF16', 3, [0x80, 0x3f, 0x80, 0xff, 0xc0, 0x7f])).toEqual([1, -Infinity, NaN])
})

test('texts come back as they went, and whatever is cut or no text is refused', () => {
  const texts = ['', 'a', 'Zürich', '\u{1F6EB}']
  expect(valuesOfBytes('x', { datatype: 'BYTES', count: 4 }, bytesOfValues('BYTES', texts))).toEqual(texts)
  const bytes = bytesOfValues('BYTES', texts)
  for (let end = 0; end < bytes.length; end++) {
    expect(() => valuesOfBytes('x', { datatype: 'BYTES', count: 4 }, bytes.subarray(0, end))).toThrow(/input "x"/v)
  }
  expect(() => valuesOfBytes('x', { datatype: 'BYTES', count: 3 }, bytes)).toThrow('and more elements')
  expect(() => read('BYTES', 1, [1, 0, 0, 0, 0xff])).toThrow('no UTF-8')
  expect(() => read('BYTES', 1, [0xff, 0xff, 0xff, 0xff, 0])).toThrow('ends in the middle of element 0')
  expect(() => read('FP32', 1, [0, 0, 0])).toThrow('has 3 bytes, and 1 values of FP32 are 4')
})

test('flags and numbers are written as their raw bytes', () => {
  expect(bytesOfValues('BOOL', [true, false])).toEqual(Uint8Array.of(1, 0))
  expect(bytesOfValues('FP32', Float32Array.of(0, 1).subarray(1))).toEqual(Uint8Array.of(0, 0, 0x80, 0x3f))
  expect(bytesOfValues('INT64', BigInt64Array.of(-1n))).toEqual(new Uint8Array(8).fill(255))
})
