// trueloop data rows: the first rows of a version, or of a part of a split.
import { firstRows } from '../../data/export.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { valueText, clip } from '../text.ts'
import { readSelection, withTables, type PartOptions } from './selection.ts'

export type RowsOptions = ListOptions & PartOptions

const cellWidth = 40

export async function dataRows(session: Session, reference: string, options: RowsOptions): Promise<void> {
  const limit = limitOf(options)
  const { version, manifest, ...part } = await readSelection(connect(session), reference, options)
  const rows = await withTables(session, (deps) => firstRows(deps, { manifest, ...part }, limit))
  const names = manifest.columns.map(({ name }) => name)
  session.terminal.show({ version, rows }, () =>
    table(
      names,
      rows.map((row) => names.map((name) => clip(valueText(row[name]), cellWidth))),
    ),
  )
}
