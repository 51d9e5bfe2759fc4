// Trees that were read, laid out and proven, as bytes: what the next process would find of the same graph, with nothing left to do.
import { z } from 'zod'
import type { Ensemble } from './ensemble.ts'
import type { ProvenTrees } from './session.ts'

const Whole = z.int().nonnegative()
const Place = z.strictObject({ at: Whole, length: Whole })

const Head = z.strictObject({
  matrix: z.string(),
  output: z.string(),
  head: z.strictObject({ bytes: Place, output: z.string() }).nullable(),
  tail: z.strictObject({ bytes: Place, input: z.string(), output: z.string() }).nullable(),
  form: z.strictObject({
    isWide: z.boolean(),
    pairMask: Whole,
    lookupShift: Whole,
    lookupMask: Whole,
    rankShift: Whole,
  }),
  slots: Place,
  roots: Place,
  values: Place,
  weights: Place,
  lookups: z.array(z.strictObject({ feature: Whole, thresholds: Place, missingRank: z.int() })),
  outputs: Whole,
  nodes: Whole,
  trees: Whole,
  features: Whole,
  base: z.array(z.number()),
  divisor: z.number(),
  transform: z.enum(['NONE', 'SOFTMAX', 'LOGISTIC']),
  second: z.enum(['complement', 'negative']).nullable(),
})
type Head = z.infer<typeof Head>

/** Every list begins at a multiple of it, as views of numbers want. */
const alignment = 8
const lengthBytes = 4

const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment

/** A length, a head of JSON, and the lists that it has the places of. Byte order and all: this machine's. */
export function encodeTrees({ ensemble, head, tail, matrix, output }: ProvenTrees): Uint8Array {
  const parts: Uint8Array[] = []
  let end = 0
  const put = (list: Uint8Array | Int32Array | Float32Array): z.infer<typeof Place> => {
    const at = end
    parts.push(new Uint8Array(list.buffer, list.byteOffset, list.byteLength))
    end = aligned(at + list.byteLength)
    return { at, length: list.length }
  }
  const { form, slots, roots, values, weights, lookups, second, ...rest } = ensemble
  const said: Head = {
    ...rest,
    base: [...rest.base],
    matrix,
    output,
    form,
    second: second ?? null,
    head: head ? { ...head, bytes: put(head.bytes) } : null,
    tail: tail ? { ...tail, bytes: put(tail.bytes) } : null,
    slots: put(slots),
    roots: put(roots),
    values: put(values),
    weights: put(weights),
    lookups: lookups.map((lookup) => ({ ...lookup, thresholds: put(lookup.thresholds) })),
  }
  const text = Buffer.from(JSON.stringify(said))
  const start = aligned(lengthBytes + text.length)
  const bytes = Buffer.alloc(start + end)
  bytes.writeUInt32LE(text.length)
  bytes.set(text, lengthBytes)
  let at = start
  for (const part of parts) {
    bytes.set(part, at)
    at += aligned(part.length)
  }
  return bytes
}

/**
 * The lists are views of `bytes`, which are to stay as they are.
 * @throws Error where they are no such bytes
 */
export function decodeTrees(given: Uint8Array): ProvenTrees {
  // Views begin where their numbers may.
  const bytes = given.byteOffset % alignment === 0 ? given : Uint8Array.from(given)
  const textLength = new DataView(bytes.buffer, bytes.byteOffset, lengthBytes).getUint32(0, true)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + lengthBytes, textLength).toString()
  const { matrix, output, head, tail, ...said } = Head.parse(JSON.parse(text))
  const lists = bytes.subarray(aligned(lengthBytes + textLength))
  const startOf = ({ at, length }: z.infer<typeof Place>, size: number): number => {
    if (at + length * size > lists.length) throw new RangeError('the bytes end within a list')
    return lists.byteOffset + at
  }
  const bytesAt = (place: z.infer<typeof Place>) => new Uint8Array(bytes.buffer, startOf(place, 1), place.length)
  const wholesAt = (place: z.infer<typeof Place>) => new Int32Array(bytes.buffer, startOf(place, 4), place.length)
  const floatsAt = (place: z.infer<typeof Place>) => new Float32Array(bytes.buffer, startOf(place, 4), place.length)
  const ensemble: Ensemble = {
    ...said,
    second: said.second ?? undefined,
    slots: wholesAt(said.slots),
    roots: wholesAt(said.roots),
    values: floatsAt(said.values),
    weights: floatsAt(said.weights),
    lookups: said.lookups.map((lookup) => ({ ...lookup, thresholds: floatsAt(lookup.thresholds) })),
  }
  return {
    ensemble,
    matrix,
    output,
    head: head ? { ...head, bytes: bytesAt(head.bytes) } : undefined,
    tail: tail ? { ...tail, bytes: bytesAt(tail.bytes) } : undefined,
  }
}
