// Files that come from afar: those that cannot be read are told, and none is brought twice or by half.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { artifactMigrations } from '../../artifacts/migrations.ts'
import type { ArtifactTables } from '../../artifacts/tables.ts'
import { openDirectoryBlobs } from '../../platform/blobs-directory.ts'
import { DomainError } from '../../platform/errors.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import { copyFiles, placeOf } from './files.ts'
import type { RemoteFiles } from './remote-files.ts'
import { Report } from './verify/report.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trueloop-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const broken = new DomainError('unavailable', 'blob_store_unavailable', 'frozen')
type Sent = Readonly<Record<string, { readonly bytes?: number; readonly text: string | Error }>>

function remoteOf(sent: Sent, read: string[], left: string[]): RemoteFiles {
  return {
    has: (uri) => uri.startsWith('s3:'),
    async *below() {
      for (const [path, { bytes, text }] of Object.entries(sent)) {
        const open = async function* (): AsyncGenerator<Uint8Array> {
          read.push(path)
          if (text instanceof Error) throw text
          yield Buffer.from(text)
        }
        yield { path, bytes, read: open }
      }
    },
    leaveOut(uri, error) {
      left.push(`${uri}: ${(error as Error).message}`)
    },
  }
}

async function copied(sent: Sent, times = 1): Promise<{ counts: unknown; read: string[]; left: string[] }> {
  await using db = await createTestDatabase<ArtifactTables>(artifactMigrations)
  const [read, left]: [string[], string[]] = [[], []]
  const deps = { db, blobs: openDirectoryBlobs(join(folder, 'blobs')), clock: () => 5 }
  const place = placeOf('s3://bucket/x', { artifacts: { folder, remote: remoteOf(sent, read, left) }, own: '1/a' })
  expect(place.uri).toBe('mlflow-artifacts:/1/a')
  for (let at = 1; at < times; at++) await copyFiles(deps, place, new Report())
  const report = new Report()
  const counts = await copyFiles(deps, place, report)
  expect(report.differences).toEqual([])
  expect(report.compared['files']?.count).toBe(counts.files)
  return { counts, read, left }
}

test('a file whose length is known is fetched once, however often the import is started', async () => {
  const sent = { 'd/known': { bytes: 3, text: 'abc' }, unknown: { text: 'abcd' } }
  const { counts, read } = await copied(sent, 2)
  expect(counts).toEqual({ files: 2, bytes: 7 })
  expect(read).toEqual(['d/known', 'unknown', 'unknown'])
})

test('a place that cannot be read is left out, what came of it before stays', async () => {
  const { counts, left } = await copied({ a: { bytes: 1, text: 'a' }, b: { bytes: 1, text: broken } })
  expect(counts).toEqual({ files: 1, bytes: 1 })
  expect(left).toEqual(['s3://bucket/x: frozen'])
})

test('a file that is shorter than its source said ends the import', async () => {
  await expect(copied({ a: { bytes: 10, text: 'short' } })).rejects.toMatchObject({ code: 'import_incomplete' })
})
