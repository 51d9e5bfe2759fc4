// trueloop backup and restore: a home's metadata and blobs in one folder, and back.
import { cp, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import type { Config } from '../app/config.ts'
import { createHome, findRuntime, lockHome } from '../app/home.ts'
import { snapshotMetadata } from '../app/snapshot.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { systemClock } from '../platform/clock.ts'
import { DomainError } from '../platform/errors.ts'
import { connect, type Session } from './session.ts'

const Catalogue = z.strictObject({
  format: z.literal('trueloop-backup/1'),
  atMs: z.int(),
  blobs: z.int(),
  bytes: z.int(),
})

const metadataName = 'metadata.sqlite'
const catalogueName = 'backup.json'

/** Works while the home is up: objects never change, and the metadata is copied first, so it names no object that comes later. */
export async function backup(session: Session, target: string): Promise<void> {
  const { config, terminal } = session
  const folder = resolve(target)
  assertDirectoryBlobs(config)
  if (existsSync(folder) && (await readdir(folder)).length > 0) {
    throw new DomainError('conflict', 'backup_exists', `${folder} is not empty: name a new folder`)
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await copyMetadata(session, join(folder, metadataName))
  const source = openDirectoryBlobs(config.blobs)
  const copies = openDirectoryBlobs(join(folder, 'blobs'))
  const progress = terminal.progress('backup')
  let [blobs, bytes] = [0, 0]
  for await (const ref of source.list()) {
    await copies.putFile(await source.localPath(ref.digest)) // Verified while it is read.
    blobs += 1
    bytes += ref.bytes
    progress.update(undefined, `${blobs} objects`)
  }
  const catalogue = { format: 'trueloop-backup/1', atMs: systemClock(), blobs, bytes } as const
  await writeFile(join(folder, catalogueName), JSON.stringify(catalogue, null, 2))
  progress.done(`${blobs} objects, ${megabytes(bytes)} MB`)
  terminal.show({ folder, ...catalogue }, () => `Saved ${config.home} to ${folder}.`)
}

export async function copyMetadata(session: Session, target: string): Promise<void> {
  if (!findRuntime(session.config.home, 'server')) return snapshotMetadata(session.config.database, target)
  const { path } = await connect(session).call({
    method: 'POST',
    path: '/system/snapshots',
    answer: z.object({ path: z.string() }),
  })
  await cp(path, target)
  await rm(path)
}

/** Into a home that does not run and is empty, or with `force` in place of what it holds, which is kept beside it. */
export async function restore({ config, terminal }: Session, source: string, force: boolean): Promise<void> {
  const folder = resolve(source)
  assertDirectoryBlobs(config)
  const catalogue = await readCatalogue(folder)
  createHome(config.home)
  {
    using _ = lockHome(config.home, 'server')
    const database = config.database.slice('sqlite:'.length)
    const isTaken = existsSync(database)
    if (isTaken && !force)
      throw new DomainError(
        'conflict',
        'home_not_empty',
        `${config.home} holds data already: --force sets it aside first`,
      )
    await checkMetadata(join(folder, metadataName))
    const blobs = openDirectoryBlobs(config.blobs)
    for await (const ref of openDirectoryBlobs(join(folder, 'blobs')).list()) {
      await blobs.putFile(await openDirectoryBlobs(join(folder, 'blobs')).localPath(ref.digest))
    }
    if (isTaken) for (const suffix of ['', '-wal', '-shm']) await setAside(database + suffix)
    await cp(join(folder, metadataName), database)
  }
  terminal.show(
    { home: config.home, from: folder, ...catalogue },
    () => `Restored ${config.home} from ${folder}: ${catalogue.blobs} objects.`,
  )
}

async function setAside(path: string): Promise<void> {
  if (existsSync(path))
    await rename(path, path.replace(/(?<tail>-wal|-shm)?$/v, `.before-restore-${systemClock()}$<tail>`))
}

async function readCatalogue(folder: string): Promise<z.infer<typeof Catalogue>> {
  try {
    return Catalogue.parse(JSON.parse(await readFile(join(folder, catalogueName), 'utf8')))
  } catch {
    throw new DomainError(
      'invalid',
      'backup_unreadable',
      `${folder} is no complete backup: it lacks a readable ${catalogueName}`,
    )
  }
}

async function checkMetadata(path: string): Promise<void> {
  await stat(path).catch(() => {
    throw new DomainError('invalid', 'backup_unreadable', `${path} is missing`)
  })
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    const [row] = database.prepare('pragma quick_check').all()
    if (row?.['quick_check'] !== 'ok')
      throw new DomainError('invalid', 'backup_unreadable', `${path} is damaged: ${JSON.stringify(row)}`)
  } finally {
    database.close()
  }
}

function assertDirectoryBlobs(config: Config): void {
  if (config.blobs.startsWith('s3://') || !config.database.startsWith('sqlite:')) {
    const message =
      'backup and restore copy a home on SQLite and a folder; use pg_dump and your bucket’s versioning for PostgreSQL and S3'
    throw new DomainError('invalid', 'backup_unsupported', message)
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
