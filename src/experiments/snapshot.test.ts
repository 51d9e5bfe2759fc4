// On real git repositories and a real blob store, in a folder of the test's own.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmod,
  lstat,
  mkdir,
  mkdtempDisposable,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { readEnvironment } from './environment.ts'
import { Code, Environment } from './run.ts'
import { assertSnapshotStored, readSnapshot, restoreSnapshot } from './restore-snapshot.ts'
import { parseSnapshot } from './snapshot.ts'
import { sendSnapshot, takeSnapshot, type SnapshotStore } from './take-snapshot.ts'

const temporary = () => mkdtempDisposable(join(tmpdir(), 'trueloop-snapshot-'))

function git(directory: string, ...args: string[]): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'commit.gpgsign=false']
  return execFileSync('git', ['-C', directory, ...who, ...args], { encoding: 'utf8' }).trim()
}

interface TestStore extends SnapshotStore {
  readonly blobs: ReturnType<typeof openDirectoryBlobs>
  /** What was put, in bytes. */
  readonly sent: number[]
}

function openStore(directory: string): TestStore {
  const blobs = openDirectoryBlobs(directory)
  const sent: number[] = []
  return {
    blobs,
    sent,
    missing: async (digests) => {
      const stored = await Promise.all(digests.map((digest) => blobs.has(digest)))
      return digests.filter((_, at) => !stored[at])
    },
    put: async (bytes) => {
      sent.push(bytes.byteLength)
      await blobs.put(bytes)
    },
  }
}

test('a snapshot holds what git lists, with modes, and knows its commit and whether it is dirty', async () => {
  await using folder = await temporary()
  const code = join(folder.path, 'code')
  await mkdir(join(code, 'src'), { recursive: true })
  await mkdir(join(code, '.trueloop'))
  await writeFile(join(code, '.trueloop', 'secrets.json'), 'never code, whatever git says')
  await writeFile(join(code, '.gitignore'), 'data/\n')
  await writeFile(join(code, 'src', 'naïve file;.ts'), 'export const a = 1\n')
  await writeFile(join(code, 'gone.ts'), 'x')
  await writeFile(join(code, 'run.sh'), '#!/bin/sh\n')
  await chmod(join(code, 'run.sh'), 0o755)
  await symlink('/etc/hostname', join(code, 'link'))
  git(code, 'init', '-q')
  expect((await takeSnapshot({ directory: code })).code).toMatchObject({ commit: null, isDirty: true })
  git(code, 'add', '-A', ':!.trueloop')
  git(code, 'commit', '-q', '-m', 'first')
  await mkdir(join(code, 'home'))
  await writeFile(join(code, 'home', 'db'), 'rows')
  const project = { directory: code, leftOut: [join(code, 'home'), folder.path + '/elsewhere'] }
  const clean = await takeSnapshot(project)
  expect(Code.parse(clean.code)).toEqual({
    commit: git(code, 'rev-parse', 'HEAD'),
    isDirty: false,
    snapshot: createHash('sha256').update(clean.manifest).digest('hex'),
  })
  await mkdir(join(code, 'data'))
  await writeFile(join(code, 'data', 'big.bin'), 'ignored')
  expect(await takeSnapshot(project)).toEqual(clean)
  await writeFile(join(code, 'new.ts'), 'new')
  await rm(join(code, 'gone.ts'))
  const dirty = await takeSnapshot(project)
  expect(dirty.code.isDirty).toBe(true)
  expect(dirty.files.map(({ path, mode }) => [path, mode])).toEqual([
    ['.gitignore', 'file'],
    ['link', 'link'],
    ['new.ts', 'file'],
    ['run.sh', 'executable'],
    ['src/naïve file;.ts', 'file'],
  ])
})

test('what is sent once is not sent again, and comes back byte for byte', async () => {
  await using folder = await temporary()
  const [code, restored] = [join(folder.path, 'code'), join(folder.path, 'deep', 'restored')]
  const store = openStore(join(folder.path, 'blobs'))
  await mkdir(join(code, 'src'), { recursive: true })
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 256))
  await writeFile(join(code, 'src', 'a.bin'), bytes)
  await writeFile(join(code, 'src', 'same.bin'), bytes)
  await writeFile(join(code, 'empty'), '')
  await writeFile(join(code, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  await symlink('../outside', join(code, 'link'))
  const snapshot = await takeSnapshot({ directory: code })
  const { snapshot: digest } = snapshot.code
  await expect(assertSnapshotStored(store.blobs, digest)).rejects.toMatchObject({ code: 'blob_not_found' })
  await sendSnapshot(store, code, snapshot)
  expect(store.sent).toHaveLength(4) // Not the empty one, one of two with the same bytes, and the manifest.
  await sendSnapshot(store, code, await takeSnapshot({ directory: code }))
  expect(store.sent).toHaveLength(4)

  await assertSnapshotStored(store.blobs, digest)
  const manifest = await readSnapshot(store.blobs, digest)
  const read = (file: string): Promise<Uint8Array> => store.blobs.get(file)
  await restoreSnapshot({ manifest, folder: restored, read })
  expect(await readFile(join(restored, 'src', 'same.bin'))).toEqual(bytes)
  expect((await lstat(join(restored, 'run.sh'))).mode & 0o777).toBe(0o755)
  expect(await readlink(join(restored, 'link'))).toBe('../outside')
  expect((await takeSnapshot({ directory: restored })).manifest).toEqual(snapshot.manifest)
  const again = restoreSnapshot({ manifest, folder: restored, read })
  await expect(again).rejects.toMatchObject({ code: 'folder_not_empty' })
  const lying = { manifest, folder: join(folder.path, 'lie'), read: async () => Buffer.from('other') }
  await expect(restoreSnapshot(lying)).rejects.toMatchObject({ code: 'blob_corrupt' })
  await store.blobs.delete(snapshot.files.at(-1)!.digest)
  await expect(assertSnapshotStored(store.blobs, digest)).rejects.toMatchObject({ code: 'snapshot_incomplete' })
})

test('a file that changes between the look and the sending is an error, not another snapshot', async () => {
  await using folder = await temporary()
  const code = join(folder.path, 'code')
  await mkdir(code)
  await writeFile(join(code, 'a.ts'), 'a')
  const snapshot = await takeSnapshot({ directory: code })
  await writeFile(join(code, 'a.ts'), 'b')
  const sent = sendSnapshot(openStore(join(folder.path, 'blobs')), code, snapshot)
  await expect(sent).rejects.toMatchObject({ code: 'snapshot_unstable' })
})

const entry = (path: string, mode = 'file') => ({ path, mode, bytes: 1, digest: 'ab'.repeat(32) })
const fifty = Array.from({ length: 51 }, (_, at) => ({ ...entry(`f${at}`), bytes: 1024 * 1024 }))

test.each([
  ['an absolute path', [entry('/etc/passwd')]],
  ['a way up', [entry('a/../../b')]],
  ['a name that is none', [entry('a//b')]],
  ['a repository', [entry('sub/.Git/config')]],
  ['a file below a link', [entry('a', 'link'), entry('a/b')]],
  ['a path twice', [entry('a'), entry('a')]],
  ['too many bytes', fifty],
])('a manifest with %s is refused', (_, files) => {
  const refused = (): unknown => parseSnapshot(Buffer.from(JSON.stringify({ version: 1, files })))
  expect(refused).toThrow(expect.objectContaining({ code: 'snapshot_invalid' }) as Error)
})

test('code beyond the limit is refused with the names of its largest files', async () => {
  await using folder = await temporary()
  const code = join(folder.path, 'code')
  await mkdir(code)
  git(code, 'init', '-q')
  await writeFile(join(code, 'model.bin'), '')
  await truncate(join(code, 'model.bin'), 51 * 1024 * 1024)
  await writeFile(join(code, 'a.ts'), 'a')
  await expect(takeSnapshot({ directory: code })).rejects.toMatchObject({
    code: 'snapshot_too_large',
    message: expect.stringContaining('model.bin (51.0 MB)') as unknown,
  })
})

test('outside of a repository the files of the folder are the code', async () => {
  await using folder = await temporary()
  const code = join(folder.path, 'code')
  await mkdir(join(code, 'node_modules', 'x'), { recursive: true })
  await mkdir(join(code, '.trueloop'))
  await mkdir(join(code, 'src'))
  await writeFile(join(code, 'node_modules', 'x', 'index.js'), '')
  await writeFile(join(code, '.trueloop', 'db'), '')
  await writeFile(join(code, 'src', 'train.ts'), 'train')
  await mkdir(join(code, 'data'))
  await writeFile(join(code, 'data', 'day.csv'), 'a row')
  await mkdir(join(code, 'home'))
  await writeFile(join(code, 'home', 'db'), '')
  const project = { directory: code, leftOut: [join(code, 'home')], rows: [join(code, 'data', '*.csv')] }
  const { code: found, files } = await takeSnapshot(project)
  expect(found).toMatchObject({ commit: null, isDirty: false })
  expect(files.map(({ path }) => path)).toEqual(['src/train.ts'])
})

test('the environment names every package of the lock file by its digest', async () => {
  const environment = Environment.parse(await readEnvironment(process.cwd(), 2))
  expect(environment).toMatchObject({ nodeVersion: process.version, threads: 2 })
  expect(environment.packages['node_modules/zod']).toMatch(/^sha512-/v)
  expect(environment.libraries['v8']).toBe(process.versions.v8)
  await using folder = await temporary()
  expect(await readEnvironment(folder.path, 1)).toMatchObject({ lockDigest: null, packages: {} })
  await writeFile(join(folder.path, 'package-lock.json'), '{')
  await expect(readEnvironment(folder.path, 1)).rejects.toMatchObject({ code: 'lock_unreadable' })
})
