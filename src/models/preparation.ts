// What a graph was found to be when it was loaded and checked, as a file: the next process loads it in milliseconds.
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { loadProven, type LoadedModel, type Proof } from './inference.ts'
import { engineVersion, openEngine } from './onnx/engine.ts'
import { Signature } from './signature.ts'
import { decodeTrees, encodeTrees } from './trees/proven-bytes.ts'

/** To be raised when what is kept changes, or what has to be shown of a graph. */
const format = 2

/** Milliseconds of a run on made-up rows. */
const MeasuredRun = z.strictObject({ rows: z.int().positive(), ms: z.number().nonnegative() })
export type MeasuredRun = Readonly<z.infer<typeof MeasuredRun>>

const Head = z.strictObject({
  format: z.literal(format),
  /** ONNX Runtime's version, which the trees were compared with. */
  engine: z.string(),
  signature: Signature,
  /** Milliseconds that loading it took by what is kept here, with its first runs: the least of a few times; 0: it was not measured. */
  loadMs: z.number().nonnegative(),
  /** Empty: it failed on made-up rows. */
  runs: z.array(MeasuredRun),
  /** Bytes of its trees; 0: it has none that are walked. */
  trees: z.int().nonnegative(),
  /** All of it is a linear model, which is computed here. */
  isLinear: z.boolean(),
})

/** The time of what was written to be measured. */
export const notMeasured = 0

export interface Preparation {
  readonly loadMs: number
  readonly runs: readonly MeasuredRun[]
  readonly proof: Proof
}

const digestBytes = 32
const lengthBytes = 4
const alignment = 8

/** The file of a graph with a signature, beside that of the graph. */
export const preparationName = (digest: string, signature: Signature): string =>
  `${digest}.${createHash('sha256').update(JSON.stringify(signature)).digest('hex').slice(0, 16)}.prepared`

/** A digest of all that follows, a head of JSON and its length, and the trees. */
export async function encodePreparation(
  signature: Signature,
  { loadMs, runs, proof }: Preparation,
): Promise<Uint8Array> {
  const { trees, isLinear } = proof
  const kept = trees ? encodeTrees(trees) : new Uint8Array(0)
  const engine = await engineVersion()
  const head: z.infer<typeof Head> = {
    format,
    engine,
    signature,
    loadMs,
    runs: [...runs],
    trees: kept.length,
    isLinear,
  }
  const text = Buffer.from(JSON.stringify(head))
  const start = treesAt(text.length)
  const bytes = Buffer.alloc(start + kept.length)
  bytes.writeUInt32LE(text.length, digestBytes)
  bytes.set(text, digestBytes + lengthBytes)
  bytes.set(kept, start)
  bytes.set(digestOf(bytes))
  return bytes
}

const treesAt = (textLength: number): number =>
  Math.ceil((digestBytes + lengthBytes + textLength) / alignment) * alignment

const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes.subarray(digestBytes)).digest()

/**
 * @param bytes stay as they are as long as the trees are used
 * @returns undefined: of another release, or for another signature
 * @throws Error where they are no such bytes
 */
export async function decodePreparation(bytes: Uint8Array, signature: Signature): Promise<Preparation | undefined> {
  const textLength = new DataView(bytes.buffer, bytes.byteOffset + digestBytes, lengthBytes).getUint32(0, true)
  const start = digestBytes + lengthBytes
  const said: unknown = JSON.parse(Buffer.from(bytes.subarray(start, start + textLength)).toString())
  if (z.looseObject({ format: z.number() }).parse(said).format !== format) return undefined
  const { engine, signature: its, loadMs, runs, trees, isLinear } = Head.parse(said)
  if (engine !== (await engineVersion()) || !isDeepStrictEqual(its, signature)) return undefined
  const at = treesAt(textLength)
  return {
    loadMs,
    runs,
    proof: { isLinear, trees: trees > 0 ? decodeTrees(bytes.subarray(at, at + trees)) : undefined },
  }
}

/** Whether the bytes are what was written. */
export const isPreparationWhole = (bytes: Uint8Array): boolean =>
  bytes.length > digestBytes && digestOf(bytes).equals(bytes.subarray(0, digestBytes))

/**
 * Loads a graph that was checked when it was prepared.
 * @param graph reads the graph's own bytes, if they are needed
 * @throws DomainError model_unloadable
 */
export async function loadPrepared(
  { proof }: Preparation,
  { signature, graph }: { signature: Signature; graph: () => Promise<Uint8Array> },
): Promise<LoadedModel> {
  return loadProven(await openEngine(), { proof, bytes: graph, signature })
}
