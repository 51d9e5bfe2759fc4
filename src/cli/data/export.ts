// trueloop data export: the rows of a version, or of a part of a split, as a file.
import { rename, rm, stat } from 'node:fs/promises'
import { exportFormatOf, exportRows } from '../../data/export.ts'
import { DomainError } from '../../platform/errors.ts'
import { connect, type Session } from '../session.ts'
import { countText } from '../text.ts'
import { readSelection, withTables, type PartOptions } from './selection.ts'

export interface ExportOptions extends PartOptions {
  /** Replace a file that is there. */
  readonly force?: boolean
}

export async function exportData(
  session: Session,
  [reference, file]: readonly [string, string],
  options: ExportOptions,
): Promise<void> {
  const format = exportFormatOf(file)
  if (!options.force) await assertFree(file)
  const { version, ...selection } = await readSelection(connect(session), reference, options)
  const unfinished = `${file}.unfinished`
  try {
    const rows = await withTables(session, (deps) => exportRows(deps, selection, { path: unfinished, format }))
    await rename(unfinished, file)
    session.terminal.show({ version, file, rows }, () => `${file}: ${countText(rows, 'row')} of ${version}`)
  } finally {
    await rm(unfinished, { force: true })
  }
}

async function assertFree(file: string): Promise<void> {
  const isThere = await stat(file).then(
    () => true,
    () => false,
  )
  if (isThere) throw new DomainError('conflict', 'file_exists', `${file} is there already: --force replaces it`)
}
