// Commands as steps: what they get, what they leave, and how they fail. The commands are real programs.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { silentLog } from '../platform/log.ts'
import { commandStep } from './command-step.ts'
import type { StepTools } from './step.ts'

const step = commandStep({ path: '/usr/local/bin:/usr/bin:/bin', variables: { TRUELOOP_RUN_ID: 'run_1' } })

interface Fixture extends AsyncDisposable {
  readonly blobs: BlobStore
  run(input: unknown): ReturnType<typeof step.execute>
}

async function open(): Promise<Fixture> {
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-command-'))
  const scratch = await mkdtemp(join(directory, 'scratch-'))
  const blobs = openDirectoryBlobs(join(directory, 'blobs'))
  const tools: StepTools = {
    blobs,
    scratchDirectory: scratch,
    log: silentLog,
    signal: new AbortController().signal,
    threads: 1,
    memoryLimitBytes: 1,
    progress: () => undefined,
    recentLog: async () => 'line one\n\nImportError: no such module\n',
    metric: () => undefined,
  }
  return {
    blobs,
    run: async (input) => step.execute(tools, step.input.parse(input)),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}

/** Runs a script with Node, which every machine that runs this has. */
const script = (text: string, ...more: string[]): string[] => [process.execPath, '-e', text, ...more]
const textOf = async (blobs: BlobStore, digest = ''): Promise<string> => Buffer.from(await blobs.get(digest)).toString()

test('a command finds its inputs as files, and its outputs are stored', async () => {
  await using fixture = await open()
  const { digest } = await fixture.blobs.put(Buffer.from('rows'))
  const { files, json } = await fixture.run({
    argv: script(
      `const fs = require('fs'), [inputs, outputs] = process.argv.slice(1)
      fs.mkdirSync(outputs + '/deep')
      fs.writeFileSync(outputs + '/deep/copy.txt', fs.readFileSync(inputs + '/rows.csv', 'utf8') + fs.readFileSync(inputs + '/settings', 'utf8'))
      fs.writeFileSync('output.json', JSON.stringify({ run: process.env.TRUELOOP_RUN_ID, extra: process.env.EXTRA, home: process.env.HOME.startsWith(require('path').dirname(process.cwd())) }))`,
      '{inputs}',
      '{outputs}',
    ),
    inputs: { 'rows.csv': { blob: digest }, settings: { json: { a: 1 } } },
    env: { EXTRA: 'yes' },
  })
  expect(Object.keys(files)).toEqual(['deep/copy.txt'])
  expect(await textOf(fixture.blobs, files['deep/copy.txt']?.digest)).toBe('rows{"a":1}')
  expect(json).toEqual({ run: 'run_1', extra: 'yes', home: true })
})

test('a dataset comes as Parquet files and a manifest, and a command that writes to it harms nobody', async () => {
  await using fixture = await open()
  const { bytes, digest } = await fixture.blobs.put(Buffer.from('parquet'))
  const manifest = {
    columns: [{ name: 'x', type: 'integer' }],
    keyColumns: [],
    rows: 1,
    parts: [{ digest, blob: digest, bytes, rows: 1 }],
  }
  await fixture.run({
    argv: script(
      `const fs = require('fs'), path = process.argv[1] + '/flights/part-00000.parquet'
      if (!fs.existsSync(process.argv[1] + '/flights/manifest.json')) throw new Error('no manifest')
      fs.chmodSync(path, 0o644)
      fs.writeFileSync(path, 'broken')`,
      '{inputs}',
    ),
    inputs: { flights: { manifest } },
  })
  expect(await textOf(fixture.blobs, digest)).toBe('parquet')
})

test('nothing in an argument reaches a shell, and nothing of our environment reaches the command', async () => {
  await using fixture = await open()
  // oxlint-disable-next-line no-restricted-properties -- a secret in our own environment is what the test is about
  process.env['SECRET_OF_THE_SERVER'] = 'secret'
  const { json } = await fixture.run({
    argv: script(
      `require('fs').writeFileSync('output.json', JSON.stringify([process.argv[1], process.env.SECRET_OF_THE_SERVER ?? null]))`,
      '$(touch hacked); `id`',
    ),
  })
  expect(json).toEqual(['$(touch hacked); `id`', null])
})

test('a command that is not there, fails or leaves the wrong things is an error that says which', async () => {
  await using fixture = await open()
  await expect(fixture.run({ argv: ['no-such-program'] })).rejects.toMatchObject({ code: 'command_not_found' })
  await using second = await open()
  await expect(second.run({ argv: script('process.exit(3)') })).rejects.toMatchObject({
    code: 'command_failed',
    kind: 'unavailable', // So that the engine tries again.
    message: expect.stringContaining(
      'gave exit code 3; its log ends: line one | ImportError: no such module',
    ) as unknown,
  })
  await using third = await open()
  const link = script(`require('fs').symlinkSync('/etc/passwd', process.argv[1] + '/link')`, '{outputs}')
  await expect(third.run({ argv: link })).rejects.toMatchObject({ code: 'command_output_invalid' })
  await using fourth = await open()
  const broken = script(`require('fs').writeFileSync('output.json', '{')`)
  await expect(fourth.run({ argv: broken })).rejects.toMatchObject({ code: 'command_output_invalid' })
})

test.each([
  { argv: [] },
  { argv: ['x'], inputs: { '../escape': { json: 1 } } },
  { argv: ['x'], inputs: { '..': { json: 1 } } },
  { argv: ['x'], env: { TRUELOOP_TOKEN: 'mine' } },
])('a command is refused that could leave its directory or its name (%#)', (input) => {
  expect(step.input.safeParse(input).success).toBe(false)
})
