// trueloop data export: the rows of a version, or of a part of a split, as a file.
import { access, constants, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { exportFormatOf, exportRows } from '../../data/export.ts'
import { DomainError, messageOf } from '../../platform/errors.ts'
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
  await assertWritable(file, options)
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

async function assertWritable(file: string, { force = false }: ExportOptions): Promise<void> {
  const isThere = await stat(file).then(
    () => true,
    () => false,
  )
  if (isThere && !force)
    throw new DomainError('conflict', 'file_exists', `${file} is there already: --force replaces it`)
  await access(dirname(file), constants.W_OK).catch((error: unknown) => {
    throw new DomainError('invalid', 'file_unwritable', `${file} cannot be written: ${messageOf(error)}`)
  })
}
