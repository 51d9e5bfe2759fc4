// Datasets as a user meets them: the real program on a real home, from files to versions.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pathOf } from '../../src/client/http-client.ts'
import { Started } from '../../src/data/routes.ts'
import { PipelineRunDetail } from '../../src/pipelines/pipeline-run.ts'
import { eventually, openHome, type Home } from './harness.ts'

const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
const folder = mkdtempSync(join(tmpdir(), 'trueloop-data-journey-'))
const { PATH, HOME } = process.env
// What is compiled once need not be compiled for each of many processes.
const NODE_COMPILE_CACHE = join(folder, 'compiled')
let home: Home

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function data(...args: readonly string[]): Promise<Ended> {
  const env = { PATH, HOME, NODE_COMPILE_CACHE, TRUELOOP_HOME: home.directory }
  const child = spawn(process.execPath, [program, 'data', ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new Promise((resolve, reject) => {
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

const file = (name: string, lines: readonly string[]): void =>
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`)
const header = 'id,at,who,amount'
const day = (id: number): string => `${id},2024-01-0${id}T12:00:00Z,${id % 2 ? 'ann' : 'bob'},${id * 10}`

beforeAll(async () => {
  home = await openHome()
})

afterAll(async () => {
  await home[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

test('files become versions; the same rows again are no new one, and added rows keep key, time and types', async () => {
  file('a.csv', [header, day(1), day(2), day(3)])
  file('b.csv', [header, day(4), day(5)])
  const first = await data('ingest', 'people', 'a.csv', '--time-column', 'at', '--key', 'id')
  expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/^version +people\/1$.+^stored +1 part/msv) })
  expect(first.err).toMatch(/pipeline run pipe_\w+ has begun/v)
  const again = await data('ingest', 'people', '*a.csv', '--json')
  expect(JSON.parse(again.out)).toMatchObject({ version: 'people/1', created: false, storedParts: 0, readRows: 3 })
  const more = await data('ingest', 'people', 'b.csv', '--append', '--json')
  expect(JSON.parse(more.out)).toMatchObject({ version: 'people/2', created: true, rows: 5, readRows: 2 })
  const shown = await data('show', 'people', '--json')
  expect(JSON.parse(shown.out)).toMatchObject({ version: 2, timeColumn: 'at', keyColumns: ['id'], createdBy: 'owner' })
})

test('what cannot be read becomes no version, and is told by the file and line', async () => {
  file('ragged.csv', [header, day(6), '7,2024-01-07'])
  const [ragged, missing, column, wrong] = await Promise.all([
    data('ingest', 'people', 'ragged.csv', '--append'),
    data('ingest', 'people', 'nope-*.csv'),
    data('ingest', 'people', 'a.csv', '--key', 'identity'),
    data('ingest', 'people', 'a.csv', 'https://example.com/b.csv'),
  ])
  expect(ragged).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/ragged\.csv" has 1 bad line \(3\)/v) })
  expect(missing).toMatchObject({ code: 1, err: expect.stringContaining(join(folder, 'nope-*.csv')) })
  expect(column).toMatchObject({ code: 1, err: expect.stringContaining('no column "identity"') })
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('(argument_invalid)') })
  const versions = await data('versions', 'people', '--json')
  expect(JSON.parse(versions.out)).toMatchObject({ versions: [{ version: 2 }, { version: 1 }] })
})

test('rows that fail a critical expectation become no version, and what was found is kept', async () => {
  const source = { kind: 'file', paths: [join(folder, 'a.csv')] }
  const expectations = [{ type: 'between', column: 'amount', max: 15 }]
  const { pipelineRun } = await home.client.call({
    method: 'POST',
    path: '/datasets/people/versions',
    body: { source, expectations, mode: 'append' },
    answer: Started,
  })
  const path = pathOf`/pipeline-runs/${pipelineRun}`
  const run = await eventually(
    'the ingest to end',
    async () => {
      const found = await home.client.call({ path, answer: PipelineRunDetail })
      return found.finishedAtMs === null ? undefined : found
    },
    { timeoutMs: 60_000 },
  )
  expect(run).toMatchObject({ state: 'failed', steps: [{ errorCode: 'expectations_failed', attempts: [{}] }] })
  const [found] = (await data('validations', 'people', '-n', '1')).out.split('\n\n')
  expect(found).toContain('became no version')
  expect(found).toMatch(/FAIL critical +amount is <= 15: \d of \d rows fail/v)
  expect(found).toContain('amount=20')
  expect(JSON.parse((await data('show', 'people', '--json')).out)).toMatchObject({ version: 2 })
})

test('a version is split by a rule, the same again, and its parts are rows to look at and files', async () => {
  const first = await data('split', 'people/1', '--key', 'id', '--seed', '7', '--shares', '50,0,50', '--json')
  expect(first.err).toContain('has begun')
  const split = JSON.parse(first.out) as { id: string; rows: { train: number; test: number } }
  expect(split).toMatchObject({ created: true, version: 1, rows: { validation: 0 } })
  expect(split.rows.train + split.rows.test).toBe(3)
  const again = await data('split', 'people/1', '--key', 'id', '--seed', '7', '--shares', '50,50')
  expect(again.out).toContain(`${split.id}, which came out the same before`)
  const [list, exported, rows, other, untimed] = await Promise.all([
    data('splits', 'people'),
    data('export', 'people', 'train.ndjson', '--split', split.id, '--part', 'train', '--json'),
    data('rows', 'people', '--split', split.id, '--part', 'test', '--json'),
    data('rows', 'people/2', '--split', split.id, '--part', 'test'),
    data('split', 'people', '--by', 'random', '--key', 'id'),
  ])
  expect(list.out).toMatch(new RegExp(`${split.id} +people/1 +by id, seed 7, 50/0/50`, 'v'))
  expect(JSON.parse(exported.out)).toMatchObject({ version: 'people/1', rows: split.rows.train })
  const idsOf = (lines: readonly { id: number }[]): number[] => lines.map(({ id }) => id)
  const train = readFileSync(join(folder, 'train.ndjson'), 'utf8').trim().split('\n')
  const trainIds = idsOf(train.map((line) => JSON.parse(line) as { id: number }))
  const testIds = idsOf((JSON.parse(rows.out) as { rows: { id: number }[] }).rows)
  expect(new Set([...trainIds, ...testIds])).toEqual(new Set([1, 2, 3]))
  expect(other).toMatchObject({ code: 2, err: expect.stringContaining('is a split of people/1, not of people/2') })
  expect(untimed).toMatchObject({ code: 2, err: expect.stringContaining('--key goes with --by key') })
  const twice = await data('export', 'people', 'train.ndjson')
  expect(twice).toMatchObject({ code: 6, err: expect.stringContaining('--force') })
})
