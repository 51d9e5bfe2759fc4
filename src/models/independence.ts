// What only a run shows of a graph: that it answers each row as it would alone, since rows of many requests run together, and in probabilities.
import { DomainError } from '../platform/errors.ts'
import { createBatch, type Batch } from './batch.ts'
import { appendRow } from './rows.ts'
import type { Signature, SignatureType } from './signature.ts'

type Rows = readonly [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]

/** As much of a loaded model as it takes to ask it. */
interface Runnable {
  readonly signature: Signature
  run(batch: Batch): { readonly values: Float32Array } | Promise<{ readonly values: Float32Array }>
}

const plainValues: Readonly<Record<SignatureType, readonly [unknown, unknown]>> = {
  boolean: [false, true],
  integer: [0, 1],
  long: [0, 1],
  float: [0, 1],
  double: [0, 1],
  string: ['', ''],
  datetime: [0, 86_400_000],
}

/** Two rows, as different as they can be without knowing the model. */
export const plainRows = ({ inputs }: Signature): Rows => [
  Object.fromEntries(inputs.map(({ name, type }) => [name, plainValues[type][0]])),
  Object.fromEntries(inputs.map(({ name, type }) => [name, plainValues[type][1]])),
]

/** Sums of many trees come in another order in a larger batch. */
const tolerance = 1e-4

/** Numbers of rows that graphs are exported for. */
const fixedRows = [2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 48, 50, 64, 100, 128, 256]

/**
 * Runs two rows together and each alone. Rows that the model fails on tell nothing, unless it answers them in a certain number.
 * @throws DomainError graph_rows_mixed; graph_signature_mismatch: an answer has another number of columns than the signature says;
 *   graph_output_unsupported: a classifier answers margins or the like
 */
export async function assertRowsIndependent(model: Runnable, rows = plainRows(model.signature)): Promise<void> {
  const alone = [await answered(model, [rows[0]]), await answered(model, [rows[1]])]
  for (const values of alone) if (values) assertProbabilities(model.signature, values)
  if (!alone.some((values) => values)) return assertNotFixed(model, rows)
  if (alone.includes(undefined)) return
  const together = await answered(model, rows)
  const expected = alone.flatMap((values) => [...values!])
  const isSame = together?.length === expected.length && expected.every((value, at) => isClose(value, together[at]!))
  if (isSame) return
  const message = `the graph does not answer rows one by one: ${together ? 'its answer to a row changes with the rows beside it' : 'it answers one row, and fails on two'}; export it for any number of rows, without anything that is computed across rows or at random`
  throw new DomainError('invalid', 'graph_rows_mixed', message)
}

/** Of a model that answers neither row alone. */
async function assertNotFixed(model: Runnable, [row]: Rows): Promise<void> {
  for (const count of fixedRows) {
    const values = await answered(
      model,
      Array.from({ length: count }, () => row),
    )
    if (!values) continue
    const message = `the graph answers ${count} rows at once, and fails on one: export it for any number of rows (dynamic_axes or dynamic_shapes in PyTorch)`
    throw new DomainError('invalid', 'graph_rows_mixed', message)
  }
}

function assertProbabilities({ task }: Signature, values: Float32Array): void {
  const wrong = task === 'regression' ? undefined : values.find((value) => value < -tolerance || value > 1 + tolerance)
  if (wrong === undefined) return
  const message = `the graph answers ${wrong} where a probability belongs: export class probabilities, or logits under a name with "logit"; margins take a calibration first (CalibratedClassifierCV)`
  throw new DomainError('invalid', 'graph_output_unsupported', message)
}

const isClose = (a: number, b: number): boolean =>
  Object.is(a, b) || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a))

async function answered(
  model: Runnable,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<Float32Array | undefined> {
  const batch = createBatch(model.signature, rows.length)
  for (const row of rows) appendRow(batch, row)
  try {
    return (await model.run(batch)).values
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'model_failed') throw error
    const numbers = error.detail?.['numbers']
    if (rows.length > 1 || typeof numbers !== 'number') return undefined
    const message = `the graph does not fit its signature: it answers a row with ${numbers} numbers, and the signature says ${error.detail?.['width'] as number}`
    throw new DomainError('invalid', 'graph_signature_mismatch', message)
  }
}
