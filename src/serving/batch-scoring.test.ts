// Batch scoring over real processes: the same answers as the model gives alone, in order; resumed; and errors that name row and column.
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadModel } from '../models/inference.ts'
import { appendColumns, createBatch } from '../models/rows.ts'
import { fragileModel, smallModel, smallSignature } from '../models/testing.ts'
import { systemClock } from '../platform/clock.ts'
import { createIds } from '../platform/ids.ts'
import { openTables, type Tables } from '../platform/tables.ts'
import type { ScoringManifest } from './batch-scoring-manifest.ts'
import { scoreFile, type ScoringDeps, type ScoringRequest } from './batch-scoring.ts'

interface Place extends Disposable {
  readonly directory: string
  readonly recorded: ScoringManifest[]
  readonly deps: ScoringDeps
  path(name: string): string
  request(input: string, output: string, how?: Partial<ScoringRequest> & { bytes?: Uint8Array }): ScoringRequest
}

function openPlace(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'trueloop-scoring-'))
  const recorded: ScoringManifest[] = []
  const path = (name: string): string => join(directory, name)
  return {
    directory,
    recorded,
    path,
    deps: {
      clock: systemClock,
      ids: createIds(),
      processes: 2,
      memoryLimitBytes: 768 * 1024 * 1024,
      signal: new AbortController().signal,
      progress: () => undefined,
      record: async (manifest) => void recorded.push(manifest),
    },
    request(input, output, { bytes = smallModel(), ...how } = {}) {
      const digest = createHash('sha256').update(bytes).digest('hex')
      const model = { version: 'flights/1', digest, signature: smallSignature, bytes }
      return { input: path(input), output: path(output), endpoint: 'flights', model, keys: undefined, ...how }
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  }
}

const open = (place: Place): Promise<Tables> =>
  openTables({ memoryLimitBytes: 256 * 1024 * 1024, tempDirectory: place.directory, threads: 1 })

const rowsSql = (rows: number): string =>
  `SELECT i AS id, sin(i) * 3 AS x, ['AA', 'BB', 'CC', NULL][i % 4 + 1] AS carrier, TIMESTAMP '2001-01-31 07:45:00' + to_minutes(i % 10000) AS date FROM range(${rows}) t(i)`

test('a Parquet file of several parts is scored in order, each row once, as the model scores it alone', async () => {
  using place = openPlace()
  await using tables = await open(place)
  const rows = 150_000
  await tables.run(`COPY (${rowsSql(rows)}) TO '${place.path('in.parquet')}' (FORMAT parquet)`)
  const seen: number[] = []
  const deps: ScoringDeps = { ...place.deps, progress: (done) => void seen.push(done) }
  const manifest = await scoreFile(deps, place.request('in.parquet', 'out.parquet'))
  expect(manifest).toMatchObject({ rows, version: 'flights/1', keys: ['id'], endpoint: 'flights' })
  expect(seen.at(-1)).toBe(rows)
  expect(place.recorded).toEqual([manifest])
  expect(JSON.parse(readFileSync(place.path('out.parquet.manifest.json'), 'utf8'))).toEqual(manifest)
  expect(readdirSync(place.directory).toSorted()).toEqual(['in.parquet', 'out.parquet', 'out.parquet.manifest.json'])

  const scored = await tables.columnar(`SELECT * FROM read_parquet('${place.path('out.parquet')}')`)
  const column = (name: string): Float64Array => {
    const found = scored.columns.get(name)
    if (found?.kind !== 'number') throw new Error(`${name} is no number`)
    return found.values
  }
  expect([...scored.columns.keys()]).toEqual(['id', 'prediction', 'probability_no', 'probability_yes'])
  expect(scored.rowCount).toBe(rows)
  expect(column('id').findIndex((id, at) => id !== at)).toBe(-1)
  const model = await loadModel(smallModel(), { signature: smallSignature })
  const batch = createBatch(smallSignature)
  const input = await tables.rows(`SELECT x, carrier, date FROM (${rowsSql(rows)}) WHERE id % 1499 = 0 ORDER BY id`)
  appendColumns(batch, {
    x: input.map((row) => row['x']),
    carrier: input.map((row) => row['carrier']),
    date: input.map((row) => row['date']),
  })
  const { values } = await model.run(batch)
  const positives = column('probability_yes')
  for (let at = 0; at < input.length; at++) expect(positives[at * 1499]).toBe(values[at * 2 + 1])
})

test('a CSV keeps its texts, and a wrong value is named by its row and column', async () => {
  using place = openPlace()
  const lines = ['id,x,carrier,date', '007,1.5,AA,2001-01-31T07:45:00Z', '008,-7,010,2001-01-31 08:00:00']
  writeFileSync(place.path('in.csv'), `${lines.join('\n')}\n`)
  await scoreFile(place.deps, place.request('in.csv', 'out.ndjson'))
  const out = readFileSync(place.path('out.ndjson'), 'utf8').trim().split('\n')
  const answers = out.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(answers.map(({ id }) => id)).toEqual(['007', '008'])
  expect(answers[0]!['prediction']).toBe('yes')
  writeFileSync(place.path('bad.csv'), `${[...lines, '009,abc,AA,2001-01-31'].join('\n')}\n`)
  const refused = scoreFile(place.deps, place.request('bad.csv', 'bad.parquet'))
  await expect(refused).rejects.toThrow(/1 bad line \(4\).*"x"/v)
  writeFileSync(
    place.path('bad.ndjson'),
    '{"x":1,"carrier":"AA","date":"2001-01-31"}\n{"x":"abc","carrier":"AA","date":"2001-01-31"}\n',
  )
  await expect(scoreFile(place.deps, place.request('bad.ndjson', 'bad.parquet'))).rejects.toMatchObject({
    code: 'input_value',
    message: expect.stringMatching(/bad\.ndjson, row 1: column "x": "1" is not a number/v),
  })
  writeFileSync(place.path('less.csv'), 'x,carrier\n1,AA\n')
  await expect(scoreFile(place.deps, place.request('less.csv', 'bad.parquet'))).rejects.toMatchObject({
    code: 'input_column_missing',
  })
  expect(readdirSync(place.directory).filter((name) => name.includes('scoring'))).toEqual([])
})

test('a scoring that was ended goes on with what it had finished', async () => {
  using place = openPlace()
  await using tables = await open(place)
  await tables.run(`COPY (${rowsSql(300_000)}) TO '${place.path('in.parquet')}' (FORMAT parquet)`)
  const ending = new AbortController()
  const request = place.request('in.parquet', 'out.csv')
  const progress = (done: number): void => (done >= 140_000 ? ending.abort(new Error('ended')) : undefined)
  await expect(scoreFile({ ...place.deps, processes: 1, signal: ending.signal, progress }, request)).rejects.toThrow(
    'ended',
  )
  const [workspace] = readdirSync(place.directory).filter((name) => name.includes('.scoring-'))
  const parts = join(place.directory, workspace!, 'parts')
  const finished = readdirSync(parts).filter((name) => name.endsWith('.parquet'))
  // It is killed in the third part, which it may have finished by then.
  expect(finished).toEqual(['000000000.parquet', '000000001.parquet', '000000002.parquet'].slice(0, finished.length))
  expect(finished.length).toBeGreaterThan(1)
  expect(existsSync(place.path('out.csv'))).toBe(false)
  const times = finished.map((name) => statSync(join(parts, name)).mtimeMs)
  let first: number | undefined
  const record = async (): Promise<void> => {
    expect(finished.map((name) => statSync(join(parts, name)).mtimeMs)).toEqual(times)
  }
  await scoreFile({ ...place.deps, progress: (done) => (first ??= done), record }, request)
  expect(first).toBe(finished.length * 65_536)
  const [found] = await tables.rows(
    `SELECT count(*) AS n, count(DISTINCT id) AS ids, bool_and(id = place) AS ordered FROM (SELECT *, row_number() OVER () - 1 AS place FROM read_csv('${place.path('out.csv')}'))`,
  )
  expect(found).toEqual({ n: 300_000, ids: 300_000, ordered: true })
})

test('a row that the model fails on is named, and an output that is there is not written over', async () => {
  using place = openPlace()
  writeFileSync(place.path('in.csv'), 'x,carrier,date\n1,AA,2001-01-31\n')
  writeFileSync(place.path('out.csv'), 'mine')
  const taken = scoreFile(place.deps, place.request('in.csv', 'out.csv'))
  await expect(taken).rejects.toMatchObject({ code: 'file_exists' })
  await expect(scoreFile(place.deps, place.request('in.csv', 'out.txt'))).rejects.toMatchObject({
    code: 'export_format',
  })
  await expect(scoreFile(place.deps, place.request('no.csv', 'o.csv'))).rejects.toMatchObject({
    code: 'source_not_found',
  })
  const fragile = place.request('in.csv', 'o.csv', { bytes: fragileModel() })
  writeFileSync(place.path('in.csv'), 'x,carrier,date\n1,AA,2001-01-31\n1,CC,2001-01-31\n')
  await expect(scoreFile(place.deps, fragile)).rejects.toMatchObject({
    code: 'model_failed',
    message: expect.stringMatching(/in\.csv, row 2:/v),
  })
  const unknown = scoreFile(place.deps, place.request('in.csv', 'o.csv', { keys: ['id'] }))
  await expect(unknown).rejects.toMatchObject({ code: 'column_not_found' })
})
