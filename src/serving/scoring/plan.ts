// What one batch scoring is: rows in a Parquet file of ours, a model, what is written of each row; and what its processes say to each other. Pure.
import { z } from 'zod'
import { Column } from '../../data/manifest.ts'
import { Signature } from '../../models/signature.ts'
import { DomainError } from '../../platform/errors.ts'

export const ScoringPlan = z.strictObject({
  /** A local file with the ONNX bytes. */
  model: z.string(),
  signature: Signature,
  /** The input as Parquet, in its own order. */
  rows: z.string(),
  columns: z.array(Column),
  /** Columns of the input that stand before the predictions. */
  keys: z.array(z.string()),
  /** Where finished parts are. */
  parts: z.string(),
  /** What the caller calls the input, for messages. */
  source: z.string(),
})
export type ScoringPlan = Readonly<z.infer<typeof ScoringPlan>>

/** Rows of the input from `from` (inclusive) to `to` (exclusive), counted from 0. */
export const ScoringPart = z.strictObject({ part: z.int().nonnegative(), from: z.int(), to: z.int() })
export type ScoringPart = Readonly<z.infer<typeof ScoringPart>>

/** What a process says, one line of JSON each. */
export const ScorerAnswer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ready') }),
  /** It lives, and so many rows more are done. */
  z.strictObject({ kind: z.literal('progress'), rows: z.int() }),
  z.strictObject({ kind: z.literal('done'), part: z.int() }),
  z.strictObject({
    kind: z.literal('failed'),
    error: z.strictObject({
      kind: z.enum(['invalid', 'not_found', 'conflict', 'too_large', 'unavailable', 'forbidden', 'unauthenticated']),
      code: z.string(),
      message: z.string(),
    }),
  }),
])
export type ScorerAnswer = z.infer<typeof ScorerAnswer>

export const partFile = (part: number): string => `${String(part).padStart(9, '0')}.parquet`

const cellsPerPart = 2_000_000
const partRowsMax = 65_536
const partRowsMin = 1_024

/**
 * Whole in memory in a process each, so wide rows make short parts. The same for the same columns: a resumed scoring has the same parts.
 * Without rows there is one part, for its columns.
 */
export function partsOf(rows: number, columns: number): ScoringPart[] {
  const size = Math.min(partRowsMax, Math.max(partRowsMin, Math.floor(cellsPerPart / Math.max(1, columns))))
  return Array.from({ length: Math.max(1, Math.ceil(rows / size)) }, (_, part) => ({
    part,
    from: part * size,
    to: Math.min(rows, (part + 1) * size),
  }))
}

/** Names of what is written of each row after its keys. */
export const predictionColumns = ({ task, classes }: Signature): string[] =>
  task === 'regression' ? ['prediction'] : ['prediction', ...classes.map((name) => `probability_${name}`)]

/**
 * The columns that are written as they came: those that were asked for, else all that the model does not take.
 * @throws DomainError column_not_found, scoring_column_taken
 */
export function keysOf(
  columns: readonly Column[],
  signature: Signature,
  asked: readonly string[] | undefined,
): string[] {
  const names = columns.map(({ name }) => name)
  const unknown = asked?.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    const message = `the input has no column "${unknown}" to keep: it has ${names.map((name) => `"${name}"`).join(', ')}`
    throw new DomainError('invalid', 'column_not_found', message, { column: unknown })
  }
  const keys = asked ?? names.filter((name) => !signature.inputs.some((input) => input.name === name))
  const written = new Set(predictionColumns(signature).map((name) => name.toLowerCase()))
  const taken = keys.find((name) => written.has(name.toLowerCase()))
  if (taken === undefined) return [...keys]
  const message = `the column "${taken}" of the input has the name of a prediction's: leave it out with --key, or rename it`
  throw new DomainError('invalid', 'scoring_column_taken', message, { column: taken })
}
