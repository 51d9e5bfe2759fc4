// The tree of artifacts on real databases: what directories hold, what may be where, and that deleting ends.
import { expect, test } from 'vitest'
import { listAudit, type AuditTables } from '../governance/audit.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { on, type Connection } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { deleteTree, getFile, listDirectory, listFiles, nameFile } from './artifacts.ts'
import { chunksOf } from '../platform/chunks.ts'
import { artifactMigrations } from './migrations.ts'
import type { ArtifactTables } from './tables.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations }
const open = () => createTestDatabase<ArtifactTables & AuditTables>(migrations)
const actor = testActor('ada')
const file = { digest: 'ab'.repeat(32), bytes: 3, mediaType: 'text/plain', atMs: 1 }

async function fill(db: Connection<ArtifactTables>, paths: readonly string[]): Promise<void> {
  const rows = paths.map((path) => ({ path, digest: file.digest, bytes: 3, media_type: 'text/plain', at_ms: 1 }))
  for (const chunk of chunksOf(rows)) await on(db).insertInto('artifact').values(chunk).execute()
}

async function namesOf(db: Connection<ArtifactTables>, directory: string, limit: number): Promise<string[]> {
  const names: string[] = []
  let after: string | undefined
  do {
    const page = await listDirectory(db, directory, { after, limit })
    expect(page.entries.length).toBeLessThanOrEqual(limit)
    names.push(...page.entries.map(({ name, bytes }) => (bytes === null ? `${name}/` : name)))
    after = page.next
  } while (after !== undefined)
  return names
}

test.each([1, 2, 3, 1000])('a directory shows its files and its directories once, %i at a time', async (limit) => {
  await using db = await open()
  await fill(db, ['r/a', 'r/a0', 'r/b.txt', 'r/b/1', 'r/b/2/3', 'r/b0', 'r/é/x', 'r/z', 'r0', 'q/a', 'ra'])
  expect((await namesOf(db, 'r', limit)).toSorted()).toEqual(['a', 'a0', 'b.txt', 'b/', 'b0', 'z', 'é/'])
  expect(await namesOf(db, 'r/b', limit)).toEqual(['1', '2/'])
  expect((await namesOf(db, '', limit)).toSorted()).toEqual(['q/', 'r/', 'r0', 'ra'])
  expect(await namesOf(db, 'r/a', limit)).toEqual([])
  expect(await namesOf(db, 'nothing', limit)).toEqual([])
})

test('directories are stepped over, however much they hold', async () => {
  await using db = await open()
  const paths: string[] = []
  for (let directory = 0; directory < 40; directory++) {
    for (let at = 0; at < 500; at++) paths.push(`big/d${directory}/f${at}`)
  }
  await fill(db, [...paths, 'big/last'])
  expect(await namesOf(db, 'big', 7)).toHaveLength(41)
  expect(await namesOf(db, 'big/d3', 1000)).toHaveLength(500)
  const files = await listFiles(db, 'big/d3', { after: 'f100', limit: 3 })
  expect(files.map(({ path }) => path)).toEqual(['f101', 'f102', 'f103'])
})

test('a name is a file or a directory, and a new file of a name takes its place', async () => {
  await using db = await open()
  await nameFile(db, { ...file, path: 'r/model/weights' })
  const taken = { code: 'artifact_path_taken' }
  await expect(nameFile(db, { ...file, path: 'r/model' })).rejects.toMatchObject(taken)
  await expect(nameFile(db, { ...file, path: 'r/model/weights/0' })).rejects.toMatchObject(taken)
  await nameFile(db, { ...file, path: 'r/model/weights', bytes: 9 })
  expect(await getFile(db, 'r/model/weights')).toMatchObject({ bytes: 9 })
  await expect(getFile(db, 'r/model')).rejects.toMatchObject({ code: 'artifact_is_directory' })
  await expect(getFile(db, 'r/mode')).rejects.toMatchObject({ code: 'artifact_not_found' })
  for (const path of ['../r', 'a%41', '', 'r/'])
    await expect(nameFile(db, { ...file, path })).rejects.toMatchObject({ code: 'artifact_path_invalid' })
})

test('deleting takes a file, or a directory with all below it and nothing beside it, and is on record', async () => {
  await using db = await open()
  const many = Array.from({ length: 2_500 }, (_, at) => `r/many/${at}`)
  await fill(db, ['r/many.txt', 'r/many0', 'r/one', ...many])
  expect(await deleteTree(db, actor, 'r/many')).toBe(2_500)
  expect(await namesOf(db, 'r', 10)).toEqual(['many.txt', 'many0', 'one'])
  expect(await deleteTree(db, actor, 'r/one')).toBe(1)
  expect(await deleteTree(db, actor, 'r/nothing')).toBe(0)
  const events = await listAudit(db, { subject: 'artifact:r/many', limit: 10 })
  const counts = events.map(({ detail }) => (detail as { files: number }).files)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(2_500)
  expect(await listAudit(db, { subject: 'artifact:r/nothing', limit: 10 })).toEqual([])
})
