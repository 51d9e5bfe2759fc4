// Uploads in parts: in any order, over a restart, once.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { eventMigrations } from '../platform/events.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { abortUpload, beginUpload, completeUpload, pruneUploads, storePart, uploadMsMax } from './artifact-upload.ts'
import { getFile } from './artifacts.ts'
import { artifactMigrations } from './migrations.ts'
import type { ArtifactTables } from './tables.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations }
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const actor = testActor('ada')
const path = 'r/model.bin'

async function open() {
  const db = await createTestDatabase<ArtifactTables>(migrations)
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-uploads-'))
  const clock = { nowMs: 1_000 }
  const opened = () => ({
    db,
    blobs: openDirectoryBlobs(join(folder, 'blobs')),
    uploads: join(folder, 'uploads'),
    clock: () => clock.nowMs,
  })
  return {
    deps: opened(),
    /** As after a restart: nothing is remembered but what is on disk. */
    opened,
    clock,
    parts: () => readdir(join(folder, 'uploads')).catch(() => []),
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

test('parts in any order become the file, and a restart between them changes nothing', async () => {
  await using home = await open()
  const id = await beginUpload(home.deps, actor, path)
  const second = await storePart(home.deps, id, text('world'))
  const again = home.opened()
  const wrong = await storePart(again, id, text('hallo '))
  const first = await storePart(again, id, text('hello '))
  expect(wrong).not.toBe(first)
  await expect(getFile(again.db, path)).rejects.toMatchObject({ code: 'artifact_not_found' })
  const parts = [
    { number: 2, digest: second },
    { number: 1, digest: first },
  ]
  await completeUpload(again, { id, path, parts })
  const { digest, bytes } = await getFile(again.db, path)
  expect(bytes).toBe(11)
  expect(Buffer.from(await again.blobs.get(digest)).toString()).toBe('hello world')
  expect(await home.parts()).toEqual([])
  await completeUpload(again, { id, path, parts })
  await expect(storePart(again, id, text('late'))).rejects.toMatchObject({ code: 'artifact_upload_not_found' })
})

test('a part that is not here is named, and the upload goes on', async () => {
  await using home = await open()
  const id = await beginUpload(home.deps, actor, path)
  const first = await storePart(home.deps, id, text('one'))
  for (const digest of ['', 'ab'.repeat(32), '../../../etc/passwd']) {
    const parts = [
      { number: 1, digest: first },
      { number: 2, digest },
    ]
    const missing = { code: 'artifact_part_missing', detail: { number: 2 } }
    await expect(completeUpload(home.deps, { id, path, parts })).rejects.toMatchObject(missing)
  }
  const elsewhere = completeUpload(home.deps, { id, path: 'r/other', parts: [] })
  await expect(elsewhere).rejects.toMatchObject({ code: 'artifact_upload_not_found' })
  await completeUpload(home.deps, { id, path, parts: [{ number: 1, digest: first }] })
})

test('an upload that was aborted, or is a day old, is gone with its parts', async () => {
  await using home = await open()
  const aborted = await beginUpload(home.deps, actor, path)
  await storePart(home.deps, aborted, text('x'))
  await abortUpload(home.deps, { id: aborted, path: 'r/other' })
  expect(await home.parts()).toEqual([aborted])
  await abortUpload(home.deps, { id: aborted, path })
  await abortUpload(home.deps, { id: aborted, path })
  expect(await home.parts()).toEqual([])
  const old = await beginUpload(home.deps, actor, path)
  await storePart(home.deps, old, text('x'))
  home.clock.nowMs += uploadMsMax / 2
  const young = await beginUpload(home.deps, actor, path)
  await storePart(home.deps, young, text('y'))
  home.clock.nowMs += uploadMsMax / 2 + 1
  await expect(storePart(home.deps, old, text('x'))).rejects.toMatchObject({ code: 'artifact_upload_not_found' })
  expect(await pruneUploads(home.deps)).toBe(1)
  expect(await home.parts()).toEqual([young])
})
