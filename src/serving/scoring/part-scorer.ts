// One part through the model: rows in batches as the gateway runs them, and a Parquet file with keys and predictions.
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DomainError } from '../../platform/errors.ts'
import type { Tables } from '../../platform/tables.ts'
import { literal, literalList, quoteName } from '../../platform/tables-sql.ts'
import { firstBrokenRow, labelIndex, type LoadedModel, type Predictions } from '../../models/inference.ts'
import { appendColumns, clearBatch, createBatch, type ColumnInput } from '../../models/rows.ts'
import { rowsPerRunMax } from '../contract/gateway-limits.ts'
import { partFile, predictionColumns, type ScoringPart, type ScoringPlan } from './plan.ts'
import { readPart, rowsSql } from './part-rows.ts'

export interface PartScorerDeps {
  readonly tables: Tables
  readonly model: LoadedModel
  /** Is told of rows as they are done. */
  readonly progress: (rows: number) => void
}

/**
 * Writes the part's file, whole or not at all.
 * @throws DomainError as models/rows.ts `appendColumns` and model_failed, each with the row in the input, counted from 1
 */
export async function scorePart(deps: PartScorerDeps, plan: ScoringPlan, part: ScoringPart): Promise<void> {
  const columns = await readPart(deps.tables, plan, part)
  const lines: string[] = []
  for (let from = part.from; from < part.to; from += rowsPerRunMax) {
    const to = Math.min(part.to, from + rowsPerRunMax)
    const rows = slices(columns, from - part.from, to - part.from)
    const predictions = await runRows(deps.model, rows, { row: from, rows: to - from, source: plan.source })
    for (let row = 0; row < to - from; row++) lines.push(lineOf(plan, predictions, { at: from + row, row }))
    deps.progress(to - from)
  }
  await writePart(deps.tables, { plan, part }, lines)
}

function slices(columns: Readonly<Record<string, ColumnInput>>, from: number, to: number): Record<string, ColumnInput> {
  const found = Object.create(null) as Record<string, ColumnInput>
  for (const name in columns) found[name] = columns[name]!.slice(from, to)
  return found
}

interface Place {
  /** Of the first row in the input, from 0. */
  readonly row: number
  readonly rows: number
  readonly source: string
}

async function runRows(
  model: LoadedModel,
  columns: Readonly<Record<string, ColumnInput>>,
  place: Place,
): Promise<Predictions> {
  const batch = createBatch(model.signature, place.rows)
  try {
    appendColumns(batch, columns)
    // A model without a column of the input would have no rows.
    if (batch.rows !== place.rows) throw new DomainError('invalid', 'input_column_missing', 'no column fits the model')
    const predictions = await model.run(batch)
    const broken = firstBrokenRow(predictions)
    if (broken < 0) return predictions
    throw failedAt(place, broken, 'it answered a number that is not finite')
  } catch (error) {
    if (error instanceof DomainError && error.code === 'model_failed' && place.rows > 1)
      await findFailing(model, columns, place)
    throw placed(error, place)
  } finally {
    clearBatch(batch)
  }
}

/** Runs the rows one by one, so that the error names the one at fault. */
async function findFailing(
  model: LoadedModel,
  columns: Readonly<Record<string, ColumnInput>>,
  { row, rows, source }: Place,
): Promise<void> {
  for (let at = 0; at < rows; at++)
    await runRows(model, slices(columns, at, at + 1), { row: row + at, rows: 1, source })
}

const failedAt = ({ row, source }: Place, at: number, reason: string): DomainError =>
  new DomainError('unavailable', 'model_failed', `${source}, row ${row + at + 1}: the model failed: ${reason}`)

/** The row in the input instead of the row in the batch. */
function placed(error: unknown, { row, rows, source }: Place): unknown {
  if (!(error instanceof DomainError) || error.message.startsWith(source)) return error
  const at = error.detail?.['row']
  const message =
    typeof at === 'number'
      ? `${source}, row ${row + at + 1}: ${error.message.replace(`, row ${at}:`, ':')}`
      : error.code === 'model_failed'
        ? `${source}, ${rows === 1 ? `row ${row + 1}` : `rows ${row + 1} to ${row + rows}`}: ${error.message}`
        : `${source}: ${error.message}`
  return new DomainError(error.kind, error.code, message, error.detail)
}

/** The row's place, the label's index, and all numbers; the shortest text of a float32 as a double reads back as the same. */
function lineOf(
  { signature }: ScoringPlan,
  predictions: Predictions,
  { at, row }: { at: number; row: number },
): string {
  const { values, width } = predictions
  const numbers = values.subarray(row * width, (row + 1) * width).join(',')
  return signature.task === 'regression' ? `${at},${numbers}\n` : `${at},${labelIndex(predictions, row)},${numbers}\n`
}

async function writePart(
  tables: Tables,
  { plan, part }: { plan: ScoringPlan; part: ScoringPart },
  lines: readonly string[],
): Promise<void> {
  const path = join(plan.parts, partFile(part.part))
  const numbers = `${path}.numbers`
  await writeFile(numbers, lines.join(''))
  const keys = plan.keys.map((name) => `source.${quoteName(name)}`)
  const list = [...keys, ...predictionSql(plan)].join(', ')
  const rows = await tables.run(
    `COPY (SELECT ${list} FROM ${rowsSql(plan, part)} AS source JOIN read_csv(${literal(numbers)}, header = false, auto_detect = false, columns = ${columnsOf(plan)}) AS scored ON source.file_row_number = scored.place ORDER BY scored.place) TO ${literal(`${path}.part`)} (FORMAT parquet, COMPRESSION zstd)`,
  )
  if (rows !== part.to - part.from) throw new Error(`part ${part.part} has ${rows} rows, not ${part.to - part.from}`)
  await rename(`${path}.part`, path)
  await rm(numbers)
}

function columnsOf({ signature }: ScoringPlan): string {
  const width = signature.task === 'regression' ? 1 : signature.classes.length
  const numbers = Array.from({ length: width }, (_, at) => `n${at}: 'FLOAT'`)
  const label = signature.task === 'regression' ? [] : [`label: 'INTEGER'`]
  return `{${["place: 'BIGINT'", ...label, ...numbers].join(', ')}}`
}

function predictionSql({ signature }: ScoringPlan): string[] {
  const [prediction, ...probabilities] = predictionColumns(signature).map(quoteName)
  if (signature.task === 'regression') return [`scored.n0 AS ${prediction}`]
  const label = `list_extract(${literalList(signature.classes)}, scored.label + 1)`
  return [`${label} AS ${prediction}`, ...probabilities.map((name, at) => `scored.n${at} AS ${name}`)]
}
