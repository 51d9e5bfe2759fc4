// Stored examples of a model version: a few input rows as a request would write them, and what the trainer says of them. Pure.
import { z } from 'zod'
import { MISSING_MICROS, type Frame, type FrameColumn } from '../training/frame.ts'
import type { Signature } from './signature.ts'

/** Largest difference between the trainer's answer and the graph's: what float32 leaves of a double. */
export const examplesTolerance = 1e-5
export const examplesMax = 1000

export const Examples = z.strictObject({
  /** Values as in a JSON request: numbers, text, ISO 8601 times, null. */
  rows: z.array(z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()]))).max(examplesMax),
  /** For each row its class probabilities, or [value]. */
  outputs: z.array(z.array(z.number())).max(examplesMax),
})
export type Examples = Readonly<z.infer<typeof Examples>>

/** `count` rows spread evenly over the frame, with what the trainer predicted: `width` numbers a row. */
export function examplesFrom(
  { frame, signature }: { frame: Frame; signature: Signature },
  { values, width }: { values: ArrayLike<number>; width: number },
  count = 50,
): Examples {
  const names = new Set(signature.inputs.map(({ name }) => name))
  const columns = frame.columns.filter(({ name }) => names.has(name))
  const taken = Math.min(count, frame.rowCount, examplesMax)
  const chosen = Array.from({ length: taken }, (_, at) => Math.floor((at * frame.rowCount) / taken))
  return {
    rows: chosen.map((row) => Object.fromEntries(columns.map((column) => [column.name, valueAt(column, row)]))),
    outputs: chosen.map((row) => Array.from({ length: width }, (_, index) => values[row * width + index]!)),
  }
}

function valueAt(column: FrameColumn, row: number): number | string | null {
  switch (column.kind) {
    case 'number': {
      const value = column.values[row]!
      return Number.isNaN(value) ? null : value
    }
    case 'category':
      return column.categories[column.codes[row]!] ?? null
    case 'time': {
      const micros = column.micros[row]!
      return micros === MISSING_MICROS ? null : isoText(micros)
    }
  }
}

function isoText(micros: bigint): string {
  const millis = BigInt.asIntN(64, micros - (((micros % 1000n) + 1000n) % 1000n)) / 1000n
  const rest = String(((micros % 1000n) + 1000n) % 1000n).padStart(3, '0')
  return new Date(Number(millis)).toISOString().replace('Z', `${rest}Z`)
}
