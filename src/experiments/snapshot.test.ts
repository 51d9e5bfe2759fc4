// On real git repositories and a real blob store, in a folder of the test's own.
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtempDisposable, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { readEnvironment } from './environment.ts'
import { Code, Environment } from './run.ts'
import { SnapshotManifest, takeSnapshot } from './snapshot.ts'

const temporary = () => mkdtempDisposable(join(tmpdir(), 'trueloop-snapshot-'))

function git(directory: string, ...args: string[]): string {
  const who = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'commit.gpgsign=false']
  return execFileSync('git', ['-C', directory, ...who, ...args], { encoding: 'utf8' }).trim()
}

async function manifestOf(blobs: ReturnType<typeof openDirectoryBlobs>, digest: string): Promise<SnapshotManifest> {
  return SnapshotManifest.parse(JSON.parse(Buffer.from(await blobs.get(digest)).toString()))
}

test('a snapshot holds what git lists, with modes, and knows its commit and whether it is dirty', async () => {
  await using folder = await temporary()
  const code = join(folder.path, 'code')
  const blobs = openDirectoryBlobs(join(folder.path, 'blobs'))
  await mkdir(join(code, 'src'), { recursive: true })
  await writeFile(join(code, '.gitignore'), 'data/\n')
  await writeFile(join(code, 'src', 'naïve file;.ts'), 'export const a = 1\n')
  await writeFile(join(code, 'gone.ts'), 'x')
  await writeFile(join(code, 'run.sh'), '#!/bin/sh\n')
  await chmod(join(code, 'run.sh'), 0o755)
  await symlink('/etc/hostname', join(code, 'link'))
  git(code, 'init', '-q')
  expect((await takeSnapshot(blobs, code)).code).toMatchObject({ commit: null, isDirty: true })
  git(code, 'add', '-A')
  git(code, 'commit', '-q', '-m', 'first')
  const clean = await takeSnapshot(blobs, code)
  expect(Code.parse(clean.code)).toEqual({
    commit: git(code, 'rev-parse', 'HEAD'),
    isDirty: false,
    snapshot: clean.manifest.digest,
  })
  await mkdir(join(code, 'data'))
  await writeFile(join(code, 'data', 'big.bin'), 'ignored')
  expect(await takeSnapshot(blobs, code)).toEqual(clean)
  await writeFile(join(code, 'new.ts'), 'new')
  await rm(join(code, 'gone.ts'))
  const dirty = await takeSnapshot(blobs, code)
  expect(dirty.code.isDirty).toBe(true)
  const { files } = await manifestOf(blobs, dirty.manifest.digest)
  expect(files.map(({ path, mode }) => [path, mode])).toEqual([
    ['.gitignore', 'file'],
    ['link', 'link'],
    ['new.ts', 'file'],
    ['run.sh', 'executable'],
    ['src/naïve file;.ts', 'file'],
  ])
  expect(Buffer.from(await blobs.get(files[1]!.digest)).toString()).toBe('/etc/hostname')
  expect(Buffer.from(await blobs.get(files[4]!.digest)).toString()).toBe('export const a = 1\n')
})

test('code beyond the limit is refused with the names of its largest files', async () => {
  await using folder = await temporary()
  const code = join(folder.path, 'code')
  await mkdir(code)
  git(code, 'init', '-q')
  await writeFile(join(code, 'model.bin'), '')
  await truncate(join(code, 'model.bin'), 51 * 1024 * 1024)
  await writeFile(join(code, 'a.ts'), 'a')
  const refused = takeSnapshot(openDirectoryBlobs(join(folder.path, 'blobs')), code)
  await expect(refused).rejects.toMatchObject({
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
  const blobs = openDirectoryBlobs(join(folder.path, 'blobs'))
  const { code: found, manifest } = await takeSnapshot(blobs, code)
  expect(found).toMatchObject({ commit: null, isDirty: false })
  expect((await manifestOf(blobs, manifest.digest)).files.map(({ path }) => path)).toEqual(['src/train.ts'])
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
