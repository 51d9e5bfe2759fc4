// trueloop monitor compare: has one table drifted from another? Dataset versions or files, counted in this process.
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openVersion } from '../../data/select.ts'
import { openSource } from '../../data/source-table.ts'
import {
  comparisonDefinitions,
  compareTables,
  type ComparedSide,
  type ComparisonDefinitions,
  type TableComparison,
} from '../../monitoring/table-comparison.ts'
import type { BlobStore } from '../../platform/blobs.ts'
import type { Tables } from '../../platform/tables.ts'
import { argumentInvalid, namesOf } from '../arguments.ts'
import { readManifest, withTables } from '../data/selection.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { countText, numberText } from '../text.ts'

export interface CompareOptions {
  /** Separated by commas. */
  readonly columns?: string
  readonly definitions: string
}

interface CompareDeps {
  readonly tables: Tables
  readonly blobs: BlobStore
}

/** Files need no server, versions the one that knows them. */
export async function compareData(
  session: Session,
  both: readonly [before: string, after: string],
  { columns, definitions }: CompareOptions,
): Promise<void> {
  if (!isDefinitions(definitions))
    throw argumentInvalid(`--definitions ${definitions}: it takes ${comparisonDefinitions.join(' or ')}`)
  const asked = columns === undefined ? {} : { columns: namesOf(columns, '--columns') }
  const compared = await withTables(session, async (deps) => {
    const before = await openSide(session, deps, { reference: both[0], view: 'before' })
    const after = await openSide(session, deps, { reference: both[1], view: 'after' })
    return compareTables(deps.tables, { sides: [before, after], definitions, ...asked })
  })
  session.terminal.show(compared, renderComparison)
}

const isDefinitions = (text: string): text is ComparisonDefinitions =>
  (comparisonDefinitions as readonly string[]).includes(text)

/** A name that ends as a file of rows does; no version's name has a folder and an ending. */
const isFile = (text: string): boolean => /\.(?:csv|tsv|txt|ndjson|jsonl|json|parquet)(?:\.(?:gz|zst))?$/iv.test(text)

interface SideInput {
  readonly reference: string
  readonly view: string
}

async function openSide(
  session: Session,
  { tables, blobs }: CompareDeps,
  { reference, view }: SideInput,
): Promise<ComparedSide> {
  if (!isFile(reference)) {
    const manifest = await readManifest(connect(session), reference)
    await openVersion({ tables, blobs }, { manifest, view })
    return { view, title: reference, columns: manifest.columns }
  }
  const scratchDirectory = join(tables.options.tempDirectory, view)
  await mkdir(scratchDirectory)
  const columns = await openSource(
    { tables, scratchDirectory, signal: new AbortController().signal },
    { source: { kind: 'file', paths: [resolve(reference)] }, table: view },
  )
  return { view, title: reference, columns }
}

export function renderComparison(compared: TableComparison): string {
  const { titles, rows, columns, driftedColumns, leftOut } = compared
  const lines = columns.map((column) => [
    column.name,
    column.test,
    numberText(column.value),
    numberText(column.threshold),
    column.drifted ? 'yes' : 'no',
  ])
  const verdict = `${driftedColumns} of ${countText(columns.length, 'column')} drifted`
  const about = [
    `${titles[0]} (${countText(rows[0], 'row')}) against ${titles[1]} (${countText(rows[1], 'row')})`,
    '',
    table(['COLUMN', 'TEST', 'VALUE', 'THRESHOLD', 'DRIFTED'], lines),
    '',
    compared.definitions === 'evidently' && compared.datasetDrift
      ? `${verdict}: half or more, which Evidently calls drift of the dataset`
      : verdict,
  ]
  return [...about, ...leftOut.map(({ name, reason }) => `left out: ${name}, ${reason}`)].join('\n')
}
