// What a person writes after `data ingest` and `data split`, as what it means or as an error that says what is right.
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { IngestRequest } from '../../data/ingest-request.ts'
import { ingestRequestOf, type IngestOptions } from './ingest-options.ts'
import { splitRuleOf, type SplitOptions } from './split.ts'

test('files are named from the current folder, and what is not said stays as the dataset has it', () => {
  expect(ingestRequestOf(['a.csv', '/data/*.csv'], {})).toEqual({
    source: { kind: 'file', paths: [resolve('a.csv'), '/data/*.csv'] },
    schema: { columns: {} },
    mode: 'replace',
  })
  const options = {
    timeColumn: 'at',
    key: 'carrier, flight',
    schema: 'zip:string,a:b:timestamp_ms',
    select: 'zip,at',
    timeZone: 'Europe/Berlin',
    append: true,
    format: 'csv',
    delimiter: ';',
    encoding: 'latin-1',
  }
  const request = IngestRequest.parse(ingestRequestOf(['http://example.com/rows'], options))
  expect(request).toMatchObject({
    source: { kind: 'http', format: 'csv', csv: { delimiter: ';', encoding: 'latin-1', header: true } },
    schema: { columns: { zip: 'string', 'a:b': 'timestamp_ms' }, zone: 'Europe/Berlin', select: ['zip', 'at'] },
    timeColumn: 'at',
    keyColumns: ['carrier', 'flight'],
    mode: 'append',
  })
  expect(ingestRequestOf(['a.csv'], { timeColumn: false, key: false })).toMatchObject({
    timeColumn: null,
    keyColumns: [],
  })
  expect(ingestRequestOf([], { query: 'select 1', connection: 'wh' }).source).toEqual({
    kind: 'postgres',
    connection: 'wh',
    query: 'select 1',
  })
})

test.for<[IngestOptions, string[], RegExp]>([
  [{}, [], /nothing to read/v],
  [{}, ['a.csv', 'https://example.com/b.csv'], /cannot be read at once/v],
  [{ query: 'select 1' }, [], /--connection/v],
  [{ query: 'select 1', connection: 'wh' }, ['a.csv'], /stands alone/v],
  [{ schema: 'zip' }, ['a.csv'], /write column:type/v],
  [{ schema: 'zip:text' }, ['a.csv'], /--schema zip: "text": it takes boolean, .+ or timestamp_us/v],
  [{ format: 'excel' }, ['a.csv'], /csv, ndjson, json or parquet/v],
  [{ encoding: 'ebcdic' }, ['a.csv'], /utf-8, latin-1 or utf-16/v],
  [{ delimiter: '||' }, ['a.csv'], /one character/v],
  [{ key: 'a,,b' }, ['a.csv'], /names separated by commas/v],
])('an ingest that cannot be meant is refused: %o', ([options, sources, message]) => {
  expect(() => ingestRequestOf(sources, options)).toThrow(message)
})

test('a split is by time unless a key or another rule is named, its shares in percent', () => {
  expect(splitRuleOf({})).toEqual({ kind: 'time' })
  expect(splitRuleOf({ key: 'a,b', seed: '7' })).toEqual({ kind: 'key', columns: ['a', 'b'], seed: 7 })
  expect(splitRuleOf({ by: 'random', shares: '80, 20' })).toEqual({
    kind: 'random',
    shares: { train: 0.8, validation: 0, test: 0.2 },
  })
})

test.for<[SplitOptions, RegExp]>([
  [{ by: 'luck' }, /time, random or key/v],
  [{ by: 'key' }, /wants --key/v],
  [{ by: 'time', key: 'a' }, /goes with --by key, not time/v],
  [{ seed: '1' }, /not drawn by lot/v],
  [{ by: 'random', seed: '-1' }, /whole number/v],
  [{ shares: '70,15,14' }, /sum to 100/v],
  [{ shares: '120,-20' }, /sum to 100/v],
  [{ shares: '100' }, /sum to 100/v],
  [{ shares: 'a,b,c' }, /sum to 100/v],
])('a split that cannot be meant is refused: %o', ([options, message]) => {
  expect(() => splitRuleOf(options)).toThrow(message)
})
