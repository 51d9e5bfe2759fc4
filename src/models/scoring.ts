// Scoring: what a loaded model says of a table of labelled rows, and the evaluation of that. Runs in step processes.
import { DomainError } from '../platform/errors.ts'
import { calibration } from '../statistics/classification.ts'
import type { Frame, FrameColumn } from '../training/frame.ts'
import type { Evaluation } from './evaluation.ts'
import type { LoadedModel, Predictions } from './inference.ts'
import { metricsOf, positivesOf, type Scored } from './metric.ts'
import { clearBatch, createBatch, reserveRows, type Batch, type BatchColumn } from './batch.ts'
import { missingMicros, writeMissing, writeValue } from './cell.ts'
import type { Task } from './signature.ts'
import type { Slice } from './slice.ts'

/** Answers for every row of a frame. Broken rows hold NaN. */
export interface Answers {
  readonly width: number
  readonly values: Float32Array
  /** Rising. */
  readonly broken: readonly number[]
}

const chunkRows = 4096

/**
 * Runs the model on every row, in chunks. A chunk on which it fails is run again row by row, so that only the rows at fault are lost. Columns
 * that the model does not take are left out.
 * @throws DomainError input_column_missing, input_value (a column of another kind than the model's)
 */
export async function answersFor(model: LoadedModel, frame: Frame, signal?: AbortSignal): Promise<Answers> {
  const columns = frameColumnsFor(model, frame)
  const width = model.signature.task === 'regression' ? 1 : model.signature.classes.length
  const values = new Float32Array(frame.rowCount * width).fill(Number.NaN)
  const batch = createBatch(model.signature, Math.min(chunkRows, Math.max(1, frame.rowCount)))
  const broken: number[] = []
  const attempt = async (from: number, to: number): Promise<void> => {
    const predictions = await runOrNothing(model, () => fillBatch(batch, columns, [from, to]))
    if (predictions) values.set(predictions.values, from * width)
    else if (to - from === 1) return
    else for (let row = from; row < to; row++) await attempt(row, row + 1)
  }
  for (let from = 0; from < frame.rowCount; from += chunkRows) {
    signal?.throwIfAborted()
    await attempt(from, Math.min(frame.rowCount, from + chunkRows))
  }
  for (let row = 0; row < frame.rowCount; row++) {
    let isFinite = true
    for (let index = row * width; index < (row + 1) * width; index++) isFinite &&= Number.isFinite(values[index])
    if (!isFinite) broken.push(row)
  }
  return { width, values, broken }
}

/** Nothing where the model fails on the rows, or where they cannot be written for it: a missing whole number. */
async function runOrNothing(model: LoadedModel, filled: () => Batch): Promise<Predictions | undefined> {
  try {
    return await model.run(filled())
  } catch (error) {
    if (error instanceof DomainError && (error.code === 'model_failed' || error.code === 'input_value'))
      return undefined
    throw error
  }
}

function frameColumnsFor({ signature }: LoadedModel, frame: Frame): (FrameColumn | undefined)[] {
  const byName = new Map(frame.columns.map((column) => [column.name, column]))
  return signature.inputs.map(({ name, type, required }) => {
    const column = byName.get(name)
    if (!column && !required) return undefined
    if (!column) {
      const message = `column "${name}" is missing: the model takes it, and the rows to evaluate on do not have it`
      throw new DomainError('invalid', 'input_column_missing', message, { column: name })
    }
    const wanted = type === 'string' ? 'category' : type === 'datetime' ? 'time' : 'number'
    if (column.kind === wanted) return column
    const message = `column "${name}" holds ${column.kind} values, the model takes ${wanted} ones (${type})`
    throw new DomainError('invalid', 'input_value', message, { column: name })
  })
}

/** Puts rows [from, to) of the frame into an empty batch. @throws DomainError input_value, too_many_rows */
function fillBatch(
  batch: Batch,
  columns: readonly (FrameColumn | undefined)[],
  [from, to]: readonly [number, number],
): Batch {
  clearBatch(batch)
  reserveRows(batch, to - from)
  batch.columns.forEach((target, index) => fillColumn(target, columns[index], [from, to]))
  batch.rows = to - from
  return batch
}

function fillColumn(target: BatchColumn, source: FrameColumn | undefined, [from, to]: readonly [number, number]): void {
  const { tensor, offset } = target
  for (let row = from, at = 0; row < to; row++, at++) {
    const index = at * tensor.width + offset
    if (target.kind === 'number' && target.takesMissing && source?.kind === 'number') {
      target.tensor.values[index] = source.values[row]!
    } else if (target.kind === 'time') {
      target.tensor.values[index] = source?.kind === 'time' ? source.micros[row]! : missingMicros
    } else if (target.kind === 'string') {
      target.tensor.values[index] = source?.kind === 'category' ? (source.categories[source.codes[row]!] ?? '') : ''
    } else if (source?.kind === 'number') writeValue(target, source.values[row], { at, row })
    else writeMissing(target, { at, row })
  }
}

export interface EvaluationInput {
  readonly task: Task
  /** Class index or value of each row. */
  readonly labels: Float64Array
  readonly answers: Answers
  readonly slices: readonly Slice[]
}

/** Metrics of given answers. Pure. */
export function evaluate({ task, labels, answers, slices }: EvaluationInput): Evaluation {
  const broken = new Set(answers.broken)
  const all = scoredRows(
    { task, labels, answers },
    Uint32Array.from({ length: labels.length }, (_, row) => row),
    broken,
  )
  return {
    task,
    rows: all.labels.length,
    brokenRows: broken.size,
    metrics: metricsOf(all),
    slices: slices.map(({ name, rows }) => {
      const scored = scoredRows({ task, labels, answers }, rows, broken)
      return { name, rows: scored.labels.length, metrics: metricsOf(scored) }
    }),
    reliability: task === 'binary' && all.labels.length > 0 ? [...calibration(all.labels, positivesOf(all)).bins] : [],
  }
}

/** The chosen rows without those that are broken. */
export function scoredRows(
  { task, labels, answers }: Pick<EvaluationInput, 'task' | 'labels' | 'answers'>,
  rows: Uint32Array,
  broken: ReadonlySet<number>,
): Scored {
  const { width } = answers
  const kept = broken.size === 0 ? rows : rows.filter((row) => !broken.has(row))
  const values = new Float32Array(kept.length * width)
  for (let at = 0; at < kept.length; at++) {
    for (let index = 0; index < width; index++) values[at * width + index] = answers.values[kept[at]! * width + index]!
  }
  return { task, labels: Float64Array.from(kept, (row) => labels[row]!), values, width }
}

/** Losses of rows as they are stored: float32, least significant byte first. */
export const encodeLosses = (losses: Float32Array): Uint8Array => {
  const bytes = new Uint8Array(losses.length * 4)
  const view = new DataView(bytes.buffer)
  losses.forEach((loss, row) => view.setFloat32(row * 4, loss, true))
  return bytes
}

/** @throws DomainError losses_corrupt */
export function decodeLosses(bytes: Uint8Array): Float32Array {
  if (bytes.length % 4 !== 0) {
    throw new DomainError(
      'invalid',
      'losses_corrupt',
      `stored losses have ${bytes.length} bytes, which is no whole number of rows`,
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float32Array.from({ length: bytes.length / 4 }, (_, row) => view.getFloat32(row * 4, true))
}
