// trueloop export mlflow: a home as a folder that a stock MLflow server serves.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openBlobs } from '../../app/blobs.ts'
import type { Tables } from '../../app/tables.ts'
import { exportMlflow } from '../../mlflow/export.ts'
import { systemClock } from '../../platform/clock.ts'
import { openDatabase } from '../../platform/database.ts'
import { openReader } from '../../platform/reader-threads.ts'
import { copyMetadata } from '../backup.ts'
import type { Session } from '../session.ts'
import { webhookKeys } from './webhook-keys.ts'

/** Works while the home is up: on SQLite from a copy of the metadata, since only the control plane opens the file itself. */
export async function exportToMlflow(session: Session, target: string): Promise<void> {
  const { config, terminal } = session
  const folder = resolve(target)
  const progress = terminal.progress('export')
  await using scratch = new AsyncDisposableStack()
  const url = config.database.startsWith('sqlite:') ? await copyOf(session, scratch) : config.database
  const { db } = scratch.use(await openDatabase<Tables>(url))
  const reader = scratch.use(openReader(db, url))
  const deps = { db, reader, blobs: openBlobs(config), clock: systemClock, webhookKeys: webhookKeys(config) }
  const { tables, files, bytes, notes } = await exportMlflow(deps, {
    folder,
    tell: (what) => progress.update(undefined, what),
  })
  progress.done(`${files} files, ${Math.round(bytes / 1_000_000)} MB`)
  terminal.show({ folder, tables, files, bytes, notes }, () =>
    [
      ...Object.entries(tables).map(([table, rows]) => `${table.padEnd(28)} ${rows}`),
      ...notes,
      `Exported ${config.home} to ${folder}. Serve it with:`,
      `  mlflow server --backend-store-uri sqlite:///${join(folder, 'mlflow.db')} --artifacts-destination ${join(folder, 'artifacts')}`,
    ].join('\n'),
  )
}

async function copyOf(session: Session, scratch: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-export-'))
  scratch.defer(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'metadata.sqlite')
  await copyMetadata(session, path)
  return `sqlite:${path}`
}
