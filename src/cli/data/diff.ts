// trueloop data diff: what changed between two versions of a dataset, row by row, worked out in this process.
import { diffSampleMax, diffVersions, type DatasetDiff } from '../../data/diff.ts'
import { namesOf } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { clip, countText, valueText } from '../text.ts'
import { readManifest, withTables } from './selection.ts'

export interface DiffOptions {
  /** Columns, separated by commas. */
  readonly key?: string
}

const rowsShown = 5
const cellWidth = 24

export async function diffData(
  session: Session,
  [before, after]: readonly [string, string],
  options: DiffOptions,
): Promise<void> {
  const client = connect(session)
  const versions = { before: await readManifest(client, before), after: await readManifest(client, after) }
  const keyColumns = options.key === undefined ? {} : { keyColumns: namesOf(options.key, '--key') }
  const diff = await withTables(session, (deps) => diffVersions(deps, { ...versions, ...keyColumns }))
  session.terminal.show(diff, renderDiff)
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
  if (Math.max(diff.added, diff.removed, diff.changed) > rowsShown)
    lines.push('', `The first ${rowsShown} of each kind are shown; --json has up to ${diffSampleMax}.`)
  return lines.join('\n')
}

function rowTable(marked: readonly { mark: string; row: Readonly<Record<string, unknown>> }[]): string {
  const names = Object.keys(marked[0]?.row ?? {})
  return table(
    ['', ...names],
    marked.map(({ mark, row }) => [mark, ...names.map((name) => clip(valueText(row[name]), cellWidth))]),
  )
}
