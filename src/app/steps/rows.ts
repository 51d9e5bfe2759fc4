// Rows of a dataset version as a training table: how a step says which rows it means, and reads them.
import { z } from 'zod'
import { Digest, Manifest, type Column, type ColumnType } from '../../data/manifest.ts'
import { openVersion, readColumns } from '../../data/select.ts'
import type { Target } from '../../loop/target.ts'
import { DomainError } from '../../platform/errors.ts'
import type { BlobStore } from '../../platform/blobs.ts'
import { openTables } from '../../platform/tables.ts'
import type { ColumnArray, Columnar } from '../../platform/tables-columnar.ts'
import type { StepTools } from '../../pipelines/step.ts'
import { takeRows, type Frame, type FrameColumn } from '../../training/frame.ts'

/** Rows of a dataset version by event time: no copy, only where they are. */
export const RowsReference = z.strictObject({
  /** `dataset/version`. */
  dataset: z.string(),
  /** Blob with the manifest. */
  manifest: Digest,
  fromMs: z.int(),
  toMs: z.int(),
})
export type RowsReference = Readonly<z.infer<typeof RowsReference>>

export interface LabelledRows {
  readonly frame: Frame
  /** Event time of each row, microseconds. */
  readonly times: BigInt64Array
  /** Names of the classes in the order of the target's indices; empty for regression. */
  readonly classes: readonly string[]
}

export interface LabelledInput {
  readonly rows: RowsReference
  readonly features: readonly string[]
  readonly target: Target
  /** Of a multiclass target, where another table has fixed their order. */
  readonly classes?: readonly string[] | undefined
}

export async function readManifest(blobs: BlobStore, digest: string): Promise<Manifest> {
  return Manifest.parse(JSON.parse(Buffer.from(await blobs.get(digest)).toString()))
}

/** Rows without a label are left out. @throws DomainError column_not_found, class_unknown */
export async function readLabelled(tools: StepTools, input: LabelledInput): Promise<LabelledRows> {
  const { features, target, rows } = input
  const manifest = await readManifest(tools.blobs, rows.manifest)
  const timeColumn = manifest.timeColumn
  if (timeColumn === undefined)
    throw new DomainError('invalid', 'time_column_missing', 'the dataset has no time column to split by')
  const names = [...new Set([...features, target.column, timeColumn])]
  await using tables = await openTables({ ...tools, tempDirectory: tools.scratchDirectory })
  await openVersion({ tables, blobs: tools.blobs }, { manifest, view: 'labelled', time: rows })
  const columns = await readColumns(tables, {
    view: 'labelled',
    columns: names.map((name) => columnOf(manifest, name)),
  })
  const { values, classes } = targetOf(columns, target, input.classes)
  const times = arrayOf(columns, timeColumn)
  if (times.kind !== 'time')
    throw new DomainError('invalid', 'time_column_type', `the time column "${timeColumn}" holds no time stamps`)
  const kept = Uint32Array.from(values.keys()).filter((row) => !Number.isNaN(values[row]))
  const all: Frame = {
    rowCount: values.length,
    columns: features.map((name) => frameColumn(name, arrayOf(columns, name))),
    target: values,
  }
  if (kept.length === values.length) return { frame: all, times: times.micros, classes }
  return {
    frame: takeRows(all, kept),
    times: BigInt64Array.from(Array.from(kept, (row) => times.micros[row]!)),
    classes,
  }
}

/** What a column of each type becomes in a training table. */
export const kindOfType: Readonly<Record<ColumnType, FrameColumn['kind']>> = {
  boolean: 'number',
  integer: 'number',
  double: 'number',
  string: 'category',
  timestamp: 'time',
  date: 'time',
}

/** What a graph is given of it. */
export const signatureTypeOf = { number: 'float', category: 'string', time: 'datetime' } as const

/** @throws DomainError column_not_found */
export function columnOf(manifest: Manifest, name: string): Column {
  const found = manifest.columns.find((column) => column.name === name)
  if (found) return found
  const names = manifest.columns.map((column) => column.name).join(', ')
  throw new DomainError('invalid', 'column_not_found', `the dataset has no column "${name}"; it has ${names}`)
}

function arrayOf(columns: Columnar, name: string): ColumnArray {
  const found = columns.columns.get(name)
  if (!found) throw new Error(`the column ${name} was not read`)
  return found
}

function frameColumn(name: string, array: ColumnArray): FrameColumn {
  switch (array.kind) {
    case 'number':
      return { kind: 'number', name, values: array.values }
    case 'string':
      return { kind: 'category', name, codes: array.codes, categories: array.categories }
    case 'time':
      return { kind: 'time', name, micros: array.micros }
  }
}

interface TargetValues {
  /** NaN where there is no label. */
  readonly values: Float64Array
  readonly classes: readonly string[]
}

function targetOf(columns: Columnar, target: Target, known: readonly string[] | undefined): TargetValues {
  const array = arrayOf(columns, target.column)
  if (target.task === 'binary') return { values: comparisonOf(array, target), classes: ['false', 'true'] }
  if (target.task === 'regression') {
    if (array.kind !== 'number')
      throw new DomainError('invalid', 'target_invalid', `the target "${target.column}" is no number`)
    return { values: array.values, classes: [] }
  }
  const labels = labelsOf(array, target.column)
  const classes = known ?? [...new Set(labels.filter((label) => label !== null))].toSorted()
  const indices = new Map(classes.map((name, index) => [name, index]))
  const values = Float64Array.from(labels, (label) => {
    if (label === null) return Number.NaN
    const index = indices.get(label)
    if (index === undefined)
      throw new DomainError(
        'invalid',
        'class_unknown',
        `the class "${label}" of "${target.column}" was not in the training rows`,
      )
    return index
  })
  return { values, classes }
}

function labelsOf(array: ColumnArray, name: string): (string | null)[] {
  if (array.kind === 'string') return Array.from(array.codes, (code) => array.categories[code] ?? null)
  if (array.kind === 'number') return Array.from(array.values, (value) => (Number.isNaN(value) ? null : String(value)))
  throw new DomainError(
    'invalid',
    'target_invalid',
    `the target "${name}" is a time stamp: compare it with a number or name another column`,
  )
}

type Comparison = Extract<Target, { task: 'binary' }>

function comparisonOf(array: ColumnArray, { operator, value, column }: Comparison): Float64Array {
  if (array.kind === 'number' && typeof value !== 'string') {
    const test = numberTest(operator, Number(value))
    return array.values.map((each) => (Number.isNaN(each) ? Number.NaN : test(each) ? 1 : 0))
  }
  if (array.kind === 'string' && typeof value === 'string') {
    const isWanted = array.categories.map((category) => (category === value) === (operator === '='))
    return Float64Array.from(array.codes, (code) => (code < 0 ? Number.NaN : isWanted[code] ? 1 : 0))
  }
  throw new DomainError(
    'invalid',
    'target_invalid',
    `"${column}" cannot be compared with ${JSON.stringify(value)}: they are of different kinds`,
  )
}

function numberTest(operator: Comparison['operator'], value: number): (each: number) => boolean {
  switch (operator) {
    case '>':
      return (each) => each > value
    case '>=':
      return (each) => each >= value
    case '<':
      return (each) => each < value
    case '<=':
      return (each) => each <= value
    case '=':
      return (each) => each === value
    case '!=':
      return (each) => each !== value
  }
}
