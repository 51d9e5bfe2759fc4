// Large requests are read beside the event loop, and come to what small ones come to.
import { gzipSync } from 'node:zlib'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { expect, test } from 'vitest'
import { prepareSpans, type TagRule } from './intake.ts'
import { createOtlpReader, type OtlpReader, type Packing } from './otlp-reader.ts'
import { decodeOtlp, type OtlpType } from './otlp.ts'

const tagOf: TagRule = (key, value) => (key === 'refused' ? undefined : [key, value.slice(0, 5)])

const hexOf = (number: number, digits: number): string => number.toString(16).padStart(digits, '0')
const resource = {
  attributes: ['team', 'refused'].map((key) => ({ key, value: { stringValue: 'of vision' } })),
}
/** Traces of some sizes, beyond what one answer of the thread holds; one span is large alone. */
const spans = Array.from({ length: 3000 }, (_, index) => ({
  traceId: hexOf(1 + (index < 1400 ? 0 : Math.floor(index / 3)), 32),
  spanId: hexOf(index + 1, 16),
  ...(index % 3 === 0 ? {} : { parentSpanId: hexOf(index, 16) }),
  name: `step ${index}`,
  startTimeUnixNano: '1544712660000000000',
  endTimeUnixNano: '1544712661000000000',
  attributes: [
    { key: 'mlflow.spanInputs', value: { stringValue: JSON.stringify({ text: 'x'.repeat(index === 7 ? 3e6 : 20) }) } },
  ],
}))
const bodyOf = (sent: readonly object[]): Buffer =>
  Buffer.from(JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: sent }] }] }))

/** A nested message of protobuf under the field and type of `tag`. */
const nested = (tag: number, bytes: Uint8Array): Buffer =>
  Buffer.from(new BinaryWriter().uint32(tag).bytes(bytes).finish())

const readWith = (reader: OtlpReader, bytes: Buffer, packing: Packing = ''): ReturnType<OtlpReader['read']> =>
  reader.read({ bytes: Buffer.concat([bytes]), type: 'application/json', packing }, tagOf)

/** How often the event loop has turned until `work` is over. */
async function countTurns(work: Promise<unknown>): Promise<number> {
  let turns = 0
  let isOver = false
  const turn = (): void => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await work.catch(() => undefined)
  isOver = true
  return turns
}

test('a large request, plain or packed, comes to what its spans come to', async () => {
  await using reader = createOtlpReader()
  const body = bodyOf(spans)
  const traces = await prepareSpans(decodeOtlp(body, 'application/json').spans, tagOf)
  expect(traces[0]!.tags).toEqual(new Map([['team', 'of vi']]))
  expect(await readWith(reader, body)).toEqual({ resources: 1, traces })
  expect(await readWith(reader, gzipSync(body), 'gzip')).toEqual({ resources: 1, traces })
  const few = bodyOf(spans.slice(10, 20))
  expect(await readWith(reader, few)).toEqual({
    resources: 1,
    traces: await prepareSpans(decodeOtlp(few, 'application/json').spans, tagOf),
  })
})

test('the event loop turns while a large request is read', async () => {
  await using reader = createOtlpReader()
  await readWith(reader, bodyOf(spans))
  // Refused when all of it is read: on the event loop that is one turn.
  const work = readWith(reader, bodyOf([...spans, { ...spans[0], traceId: '' }]))
  expect(await countTurns(work)).toBeGreaterThan(20)
  await expect(work).rejects.toMatchObject({ code: 'otlp_span', kind: 'invalid' })
})

test('a request of too many parts is refused before it takes all memory', async () => {
  await using reader = createOtlpReader()
  const objects = Buffer.from(`{"resourceSpans":[${'{},'.repeat(20_000_000)}{}]}`)
  const span = nested(0x12, Buffer.from('0a0101120101', 'hex')) // Trace id 01, span id 01.
  const scope = nested(0x12, Buffer.concat(Array<Buffer>(250_001).fill(span)))
  const requests: [Buffer, OtlpType][] = [
    [objects, 'application/json'],
    [nested(0x0a, scope), 'application/x-protobuf'],
    [nested(0x0a, Buffer.alloc(8_000_002, Buffer.from([0x12, 0]))), 'application/x-protobuf'],
  ]
  for (const [bytes, type] of requests) {
    const refused = reader.read({ bytes: gzipSync(bytes), type, packing: 'gzip' }, tagOf)
    await expect(refused).rejects.toMatchObject({ code: 'otlp_too_large', kind: 'too_large' })
  }
})

test('what cannot be read is refused, and the next request is read', async () => {
  await using reader = createOtlpReader()
  const large = bodyOf(spans)
  await expect(readWith(reader, large.subarray(0, -5))).rejects.toMatchObject({ code: 'otlp_malformed' })
  await expect(readWith(reader, large, 'gzip')).rejects.toMatchObject({ code: 'otlp_packing' })
  await expect(readWith(reader, large, 'deflate')).rejects.toMatchObject({ code: 'otlp_packing' })
  const all = Array.from({ length: 20 }, () => readWith(reader, large))
  const settled = await Promise.allSettled(all)
  expect(settled.map(({ status }) => status)).toEqual([...Array(16).fill('fulfilled'), ...Array(4).fill('rejected')])
  await expect(all.at(-1)).rejects.toMatchObject({ code: 'spans_busy', kind: 'unavailable' })
  await reader[Symbol.asyncDispose]()
  expect(await readWith(reader, large)).toMatchObject({ resources: 1 })
})
