// Reading an mlruns folder: what MLflow wrote comes whole, what others put there is refused by name.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openImport, type OpenedImport } from '../open.ts'

let folder: string
let root: string
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'trueloop-mlruns-')))
  root = join(folder, 'mlruns')
  write('7/meta.yaml', experiment('7', 'seven'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const runA = 'a'.repeat(32)
const runB = 'b'.repeat(32)

function write(path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

const experiment = (id: string, name: string): string =>
  `artifact_location: ${root}/${id}\ncreation_time: 5\nexperiment_id: '${id}'\nlifecycle_stage: active\nname: ${name}\n`

const run = (id: string, more = ''): string =>
  `artifact_uri: file:///elsewhere/7/${id}/artifacts\nexperiment_id: '7'\nrun_id: ${id}\nrun_name: null\nstart_time: 1\nstatus: 3\n${more}`

const open = (): Promise<OpenedImport> =>
  openImport(root, {
    home: join(folder, 'home'),
    artifacts: join(folder, 'mlartifacts'),
    s3: { region: 'us-east-1', endpoint: 'http://127.0.0.1:9' },
    credentials: { token: undefined, user: undefined, password: undefined },
    tell: () => {},
  })

const runsOf = async ({ source }: OpenedImport): Promise<string[]> =>
  (await source.all('select run_uuid from runs order by run_uuid')).map((row) => String(row['run_uuid']))

test('the points of metrics come as they are, whatever their names', async () => {
  write(`7/${runA}/meta.yaml`, run(runA))
  write(
    `7/${runA}/metrics/train/loss`,
    '1 0.5\n2 nan 3\r\n9007199254740993 -inf -9007199254740993\n4 1e-05 7 a set d1\n',
  )
  write(`7/${runA}/params/deep/er`, 'ünï\n')
  write(`7/${runA}/params/empty`, '')
  await using opened = await open()
  expect(opened.notes).toEqual([])
  const points = await opened.source.all('select key, timestamp, value, step, is_nan from metrics order by timestamp')
  expect(points).toEqual([
    { key: 'train/loss', timestamp: 1, value: 0.5, step: 0, is_nan: 0 },
    { key: 'train/loss', timestamp: 2, value: 0, step: 3, is_nan: 1 },
    { key: 'train/loss', timestamp: 4, value: 1e-5, step: 7, is_nan: 0 },
    {
      key: 'train/loss',
      timestamp: 9_007_199_254_740_993n,
      value: -Number.MAX_VALUE,
      step: -9_007_199_254_740_993n,
      is_nan: 0,
    },
  ])
  expect(await opened.source.all('select key, value from params order by key')).toEqual([
    { key: 'deep/er', value: 'ünï\n' },
    { key: 'empty', value: '' },
  ])
})

test('a damaged run is told by its name, and the others come', async () => {
  write(`7/${runA}/meta.yaml`, run(runA))
  const damaged: Readonly<Record<string, [string, string | Uint8Array]>> = {
    'has no point in line 2': ['metrics/m', '1 2 3\n1 two 3\n'],
    'is no text': ['params/p', Uint8Array.of(0xff, 0xfe, 0)],
    'is no YAML': ['meta.yaml', 'run_id: [\n'],
    'it is the run other': ['meta.yaml', run('other')],
    'of the experiment 8': ['meta.yaml', run(runB).replace("'7'", "'8'")],
    'status Invalid input': ['meta.yaml', run(runB).replace('status: 3', 'status: 9')],
    'more than the 1048576': ['tags/t', 'x'.repeat(1_048_577)],
    'a line of more than': ['metrics/m', '1'.repeat(20_000)],
  }
  for (const [why, [path, text]] of Object.entries(damaged)) {
    rmSync(join(root, '7', runB), { recursive: true, force: true })
    write(`7/${runB}/meta.yaml`, run(runB))
    write(`7/${runB}/${path}`, text)
    await using opened = await open()
    expect(opened.notes).toEqual([expect.stringContaining(why)])
    expect(opened.notes[0]).toContain(`The run ${runB} of the experiment 7 did not come`)
    expect(await runsOf(opened)).toEqual([runA])
    await opened.finish()
  }
})

test('a run whose meta.yaml is gone is told, a folder of artifacts is none', async () => {
  write(`7/${runA}/metrics/m`, '1 2 3\n')
  write('7/pictures/one.png', '')
  await using opened = await open()
  expect(opened.notes).toEqual([expect.stringMatching(/The run a+ .*meta\.yaml is not there/v)])
})

test('bombs of YAML are refused before they go off', async () => {
  write(`7/${runA}/meta.yaml`, run(runA))
  const lists = Array.from({ length: 8 }, (_, at) => `x${at + 1}: &x${at + 1} [${`*x${at},`.repeat(9)}]`)
  const bombs: Readonly<Record<string, string>> = {
    alias: `x0: &x0 [x,x,x,x,x,x,x,x,x]\n${lists.join('\n')}\n`,
    'more than 200000 tokens': `a: ${'['.repeat(300_000)}`,
    'is no YAML': `a: ${'['.repeat(60_000)}`,
    'more than the': `a: ${'x'.repeat(49 * 1024 * 1024)}`,
  }
  for (const [why, text] of Object.entries(bombs)) {
    write(`7/${runB}/meta.yaml`, text)
    await using opened = await open()
    expect(opened.notes).toEqual([expect.stringContaining(why)])
    expect(await runsOf(opened)).toEqual([runA])
    await opened.finish()
  }
})

test('links are not followed, wherever they stand', async () => {
  mkdirSync(join(folder, 'secrets'))
  writeFileSync(join(folder, 'secrets', 'key'), 'secret')
  writeFileSync(join(folder, 'secrets', 'meta.yaml'), run(runB))
  const places: Readonly<Record<string, string>> = {
    [`7/${runB}`]: 'secrets',
    [`7/${runA}/params`]: 'secrets',
    [`7/${runA}/params/p`]: 'secrets/key',
    [`7/${runA}/metrics/m`]: 'secrets/key',
    [`7/${runA}/meta.yaml`]: 'secrets/meta.yaml',
    [`7/${runA}/artifacts`]: 'secrets',
    [`7/${runA}/artifacts/key`]: 'secrets/key',
    '7/datasets': 'secrets',
    '7/traces': 'secrets',
    '7/models': 'secrets/key',
    '8': 'secrets',
    'models/stolen': 'secrets',
    models: 'secrets',
    '.trash': 'secrets',
  }
  for (const [place, target] of Object.entries(places)) {
    rmSync(join(root, '7', runA), { recursive: true, force: true })
    write(`7/${runA}/meta.yaml`, run(runA))
    rmSync(join(root, place), { recursive: true, force: true })
    mkdirSync(dirname(join(root, place)), { recursive: true })
    symlinkSync(join(folder, target), join(root, place))
    await using opened = await open()
    expect(opened.notes, place).toEqual([expect.stringMatching(/is a link|is no folder/v)])
    expect(opened.notes[0]).toContain(place)
    expect(await runsOf(opened)).toEqual(place.startsWith(`7/${runA}`) ? [] : [runA])
    await opened.finish()
    rmSync(join(root, place))
  }
})

test('artifacts lie beside the run when the folder was moved, and nothing else of the machine is read', async () => {
  write(`7/${runA}/meta.yaml`, run(runA))
  write(`7/${runA}/artifacts/a.txt`, 'a')
  mkdirSync(join(folder, 'mlartifacts'))
  writeFileSync(join(folder, 'mlartifacts', 'b.txt'), 'b')
  const at = (uri: string): string => run(runB).replace(`file:///elsewhere/7/${runB}/artifacts`, uri)
  const locationOf = async (uri: string): Promise<{ location: unknown; notes: readonly string[] }> => {
    write(`7/${runB}/meta.yaml`, at(uri))
    await using opened = await open()
    const rows = await opened.source.all('select run_uuid, artifact_uri from runs order by run_uuid')
    expect(rows[0]).toEqual({ run_uuid: runA, artifact_uri: `file://${root}/7/${runA}/artifacts` })
    await opened.finish()
    return { location: rows[1]?.['artifact_uri'], notes: opened.notes }
  }
  const own = `file://${root}/7/${runB}/artifacts`
  expect(await locationOf('s3://bucket/x')).toEqual({
    location: 's3://bucket/x',
    notes: [expect.stringContaining('Files in the bucket bucket stay there')],
  })
  expect(await locationOf('mlflow-artifacts:/7/x')).toEqual({ location: 'mlflow-artifacts:/7/x', notes: [] })
  expect(await locationOf('file:///nowhere/at/all')).toEqual({ location: own, notes: [] })
  expect(await locationOf(`${folder}/mlartifacts`)).toEqual({ location: `file://${folder}/mlartifacts`, notes: [] })
  const { location, notes } = await locationOf('/etc')
  expect(location).toBe(own)
  expect(notes).toEqual([expect.stringContaining('they lie in /etc; give --artifacts')])
})

test('what was finished is not read again after a kill, and all of it is after a whole import', async () => {
  write(`7/${runA}/meta.yaml`, run(runA))
  write(`7/${runA}/params/p`, 'old')
  await (await open())[Symbol.asyncDispose]() // As a kill leaves it.
  write(`7/${runA}/params/p`, 'new')
  write(`7/${runB}/meta.yaml`, run(runB))
  {
    await using opened = await open()
    expect(await runsOf(opened)).toEqual([runA, runB])
    expect(await opened.source.all('select value from params')).toEqual([{ value: 'old' }])
    await opened.finish()
  }
  await using opened = await open()
  expect(await opened.source.all('select value from params')).toEqual([{ value: 'new' }])
})

test('experiments of one name or of another number are told, those of 18 digits keep them', async () => {
  write('8/meta.yaml', experiment('8', 'seven'))
  write('9/meta.yaml', experiment('10', 'nine'))
  write('.trash/676964254991040061/meta.yaml', experiment('676964254991040061', 'gone'))
  await using opened = await open()
  expect(opened.notes).toEqual([
    expect.stringContaining('has the name of the experiment 7'),
    expect.stringContaining('says that it is the experiment 10'),
  ])
  const rows = await opened.source.all('select experiment_id, lifecycle_stage from experiments order by experiment_id')
  expect(rows).toEqual([
    { experiment_id: 7, lifecycle_stage: 'active' },
    { experiment_id: 676_964_254_991_040_061n, lifecycle_stage: 'deleted' },
  ])
})

test.skipIf(process.getuid?.() === 0)('what may not be read is told', async () => {
  write(`7/${runA}/meta.yaml`, run(runA))
  chmodSync(join(root, '7', runA, 'meta.yaml'), 0)
  await using opened = await open()
  expect(opened.notes).toEqual([expect.stringContaining('permission')])
})

test('a folder that is no store is refused', async () => {
  rmSync(join(root, '7'), { recursive: true })
  await expect(open()).rejects.toThrow(/holds no experiment of MLflow/v)
})
