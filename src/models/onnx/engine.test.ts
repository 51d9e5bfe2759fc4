// What loading ONNX Runtime leaves behind: nothing.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const program = `
  import { openEngine } from ${JSON.stringify(join(import.meta.dirname, 'engine.ts'))}
  import { smallModel } from ${JSON.stringify(join(import.meta.dirname, '..', 'testing.ts'))}
  const session = await (await openEngine()).load(smallModel(), [])
  await session.release()
  process.stdout.write('loaded')
`

test('loading a model starts no telemetry, which would leave its files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-engine-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  // Nothing of this process's environment, which may say that nobody is to be told.
  const env = { HOME: folder, TMPDIR: folder }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { env })
  expect(stdout).toBe('loaded')
  expect(await readdir(folder)).toEqual([])
})
