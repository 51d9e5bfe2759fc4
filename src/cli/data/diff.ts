// trueloop data diff: what changed between two versions of a dataset, row by row, worked out in this process.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlobs } from '../../app/blobs.ts'
import { pathOf, type Client } from '../../client/http-client.ts'
import { parseDatasetRef } from '../../data/dataset.ts'
import { diffVersions, type DatasetDiff } from '../../data/diff.ts'
import { Manifest } from '../../data/manifest.ts'
import { openTables } from '../../platform/tables.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { cellText, clip, countText } from '../text.ts'

export interface DiffOptions {
  /** Columns, separated by commas. */
  readonly key?: string
}

const rowsShown = 5
const cellWidth = 24

/** Reads the parts where this home keeps them, so it wants the home's settings, not only its address. */
export async function diffData(
  session: Session,
  [before, after]: readonly [string, string],
  options: DiffOptions,
): Promise<void> {
  const { config, terminal } = session
  const client = connect(session)
  const versions = { before: await readManifest(client, before), after: await readManifest(client, after) }
  const keyColumns = options.key?.split(',').map((name) => name.trim())
  const tempDirectory = await mkdtemp(join(tmpdir(), 'trueloop-diff-'))
  try {
    const { stepThreads: threads, stepMemoryBytes: memoryLimitBytes } = config
    await using tables = await openTables({ memoryLimitBytes, threads, tempDirectory })
    const diff = await diffVersions(
      { tables, blobs: openBlobs(config) },
      { ...versions, ...(keyColumns ? { keyColumns } : {}) },
    )
    terminal.show(diff, renderDiff)
  } finally {
    await rm(tempDirectory, { recursive: true, force: true })
  }
}

function readManifest(client: Client, reference: string): Promise<Manifest> {
  const { dataset } = parseDatasetRef(reference)
  const version = reference.slice(dataset.length + 1) || 'latest'
  return client.call({ path: pathOf`/datasets/${dataset}/versions/${version}/manifest`, answer: Manifest })
}

export function renderDiff(diff: DatasetDiff): string {
  const lines = [
    `${countText(diff.added, 'row')} added, ${countText(diff.removed, 'row')} removed, ${diff.key.length > 0 ? `${countText(diff.changed, 'row')} changed (by ${diff.key.join(', ')})` : 'a changed row counts as both: no key is named'}`,
  ]
  for (const { name, type } of diff.columnsAdded) lines.push(`+ column ${name} (${type})`)
  for (const { name, type } of diff.columnsRemoved) lines.push(`- column ${name} (${type})`)
  for (const name of diff.columnsRetyped) lines.push(`~ column ${name} has another type`)
  const byColumn = Object.entries(diff.changedByColumn)
  if (byColumn.length > 0)
    lines.push(`changed: ${byColumn.map(([name, count]) => `${name} in ${countText(count, 'row')}`).join(', ')}`)
  const { added, removed, changed } = diff.sample
  const marked = [
    ...removed.slice(0, rowsShown).map((row) => ({ mark: '-', row })),
    ...added.slice(0, rowsShown).map((row) => ({ mark: '+', row })),
    ...changed.slice(0, rowsShown).flatMap(({ before, after }) => [
      { mark: '<', row: before },
      { mark: '>', row: after },
    ]),
  ]
  if (marked.length > 0) lines.push('', rowTable(marked))
  return lines.join('\n')
}

function rowTable(marked: readonly { mark: string; row: Readonly<Record<string, unknown>> }[]): string {
  const names = Object.keys(marked[0]?.row ?? {})
  return table(
    ['', ...names],
    marked.map(({ mark, row }) => [mark, ...names.map((name) => clip(cellText(row[name]), cellWidth))]),
  )
}
