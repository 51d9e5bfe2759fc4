// Places of artifacts besides the tree: a folder that cannot be left, and what is refused.
import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { artifactRepository, type RepositoryDeps } from './artifact-repository.ts'
import { artifactMigrations } from './migrations.ts'
import type { ArtifactTables } from './tables.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

async function open() {
  const db = await createTestDatabase<ArtifactTables>(artifactMigrations)
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'trueloop-places-')))
  const base = join(folder, 'artifacts')
  await mkdir(base)
  const deps: RepositoryDeps = {
    db,
    blobs: openDirectoryBlobs(join(folder, 'blobs')),
    clock: () => 1_000,
    places: { folders: [base], s3: {}, isOwnHost: (host) => host === 'here:7070' },
  }
  const dispose = async (): Promise<void> => {
    await db[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  }
  return { deps, folder, base, [Symbol.asyncDispose]: dispose }
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('a folder lists, reads, reads in parts and writes', async () => {
  await using home = await open()
  const uri = `${pathToFileURL(home.base).href}/7/run/artifacts`
  const place = artifactRepository(home.deps, uri)
  expect(await place.list('', { limit: 10 })).toEqual({ entries: [] })
  await place.store('model/weights', text('0123456789'))
  await place.store('notes.txt', text('x'))
  expect(await place.list('', { limit: 10 })).toEqual({
    entries: [
      { name: 'model', bytes: null },
      { name: 'notes.txt', bytes: 1 },
    ],
  })
  expect(await place.list('', { limit: 1 })).toMatchObject({ next: 'model' })
  expect((await place.list('', { after: 'model', limit: 1 })).entries).toEqual([{ name: 'notes.txt', bytes: 1 }])
  const file = await artifactRepository(home.deps, join(home.base, '7')).open('run/artifacts/model/weights')
  expect(await readAll(file.stream())).toBe('0123456789')
  expect(await readAll(file.stream({ start: 2, end: 4 }))).toBe('234')
  await expect(place.open('model')).rejects.toMatchObject({ code: 'artifact_is_directory' })
  await expect(place.open('model/none')).rejects.toMatchObject({ code: 'artifact_not_found' })
  await expect(place.store('model', text('x'))).rejects.toMatchObject({ code: 'artifact_path_taken' })
  await expect(place.store('notes.txt/x', text('x'))).rejects.toMatchObject({ code: 'artifact_path_taken' })
  expect(await readdir(join(home.base, '7/run/artifacts'))).toEqual(['model', 'notes.txt'])
})

test('no link leads out of a folder, not to read, to list or to write, not even as its root', async () => {
  await using home = await open()
  await writeFile(join(home.folder, 'secret'), 'secret')
  await mkdir(join(home.folder, 'outside'))
  await writeFile(join(home.folder, 'outside', 'secret'), 'secret')
  await symlink(join(home.folder, 'secret'), join(home.base, 'file'))
  await symlink(join(home.folder, 'outside'), join(home.base, 'folder'))
  await symlink('../artifacts/../secret', join(home.base, 'relative'))
  await mkdir(join(home.base, 'real'))
  await symlink(join(home.base, 'real'), join(home.base, 'within'))
  const place = artifactRepository(home.deps, home.base)
  const outside = { code: 'artifact_path_invalid' }
  for (const path of ['file', 'folder/secret', 'relative'])
    await expect(place.open(path)).rejects.toMatchObject(outside)
  await expect(place.list('folder', { limit: 10 })).rejects.toMatchObject(outside)
  await expect(place.store('folder/new', text('x'))).rejects.toMatchObject(outside)
  await expect(place.store('folder/new/deeper', text('x'))).rejects.toMatchObject(outside)
  const root = artifactRepository(home.deps, join(home.base, 'folder'))
  await expect(root.open('secret')).rejects.toMatchObject(outside)
  await expect(root.store('new', text('x'))).rejects.toMatchObject(outside)
  expect((await place.list('', { limit: 10 })).entries.map(({ name }) => name)).toEqual(['real', 'within'])
  expect(await readdir(join(home.folder, 'outside'))).toEqual(['secret'])
  await place.store('within/ok', text('x'))
  await place.store('file', text('mine')) // Takes the link's place, and what it led to stays.
  expect(await readAll((await place.open('file')).stream())).toBe('mine')
  expect(await readdir(join(home.base, 'real'))).toEqual(['ok'])
})

test('a URL of this server is its tree, in whichever form', async () => {
  await using home = await open()
  await artifactRepository(home.deps, 'mlflow-artifacts:/7/run').store('a', text('x'))
  for (const uri of [
    'mlflow-artifacts://here:7070/7/run',
    'http://here:7070/api/2.0/mlflow-artifacts/artifacts/7/run',
    'https://here:7070/prefix/api/2.0/mlflow-artifacts/artifacts/7/run/',
  ]) {
    expect(await artifactRepository(home.deps, uri).open('a')).toMatchObject({ bytes: 1 })
  }
})

test.each([
  'http://elsewhere/api/2.0/mlflow-artifacts/artifacts/7',
  'mlflow-artifacts://elsewhere/7',
  'mlflow-artifacts://user@here:7070/7',
  'http://here:7070/api/2.0/mlflow-artifacts/artifactsx/7',
  'http://here:7070/api/runs',
  'http://here:7070/api/2.0/mlflow-artifacts/artifacts/7?x=1',
  'file:///etc',
  'file://host/etc',
  'file:///etc#fragment',
  'FILE:///etc',
  '/etc',
  'relative/path',
  'ftp://host/x',
  'hdfs://host/x',
  'dbfs:/x',
  'runs:/abc/x',
  'javascript:alert(1)',
  '',
])('%s is no place that this server reaches, and the answer says which are', async (uri) => {
  await using home = await open()
  expect(() => artifactRepository(home.deps, uri)).toThrow(expect.objectContaining({ code: 'artifact_root_foreign' }))
})

test.each(['/../../etc', '/..', '/%2e%2e/x', '/%252e%252e/x', '/a/../../../etc', '/a%2f..%2f..%2fetc', '#/../x'])(
  'a folder whose URI goes on with %s is refused',
  async (rest) => {
    await using home = await open()
    for (const uri of [pathToFileURL(home.base).href + rest, home.base + rest]) {
      expect(() => artifactRepository(home.deps, uri)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^artifact_(?:root_foreign|path_invalid)$/v) as string }),
      )
    }
  },
)
