// CSV as pandas writes it, and as nobody should.
import { expect, test } from 'vitest'
import { readCsv } from './csv.ts'

const read = (text: string, names: readonly string[] = ['a', 'b', 'c'], rowsMax = 100): unknown => {
  const { columns, rows } = readCsv(text, { isWanted: (name) => names.includes(name), rowsMax })
  return [rows, Object.fromEntries(columns)]
}

test('quoted fields hold commas, quotes and ends of lines', () => {
  expect(read('a,b\n"1,5","say ""no"""\n"two\nlines","x"y\n')).toEqual([
    2,
    { a: ['1,5', 'two\nlines'], b: ['say "no"', 'xy'] },
  ])
})

test('any end of line, the last one or none, empty lines and a byte order mark', () => {
  const expected = [2, { a: ['1', '3'], b: ['2', '4'] }]
  for (const text of ['a,b\n1,2\n3,4', 'a,b\r\n1,2\r\n3,4\r\n', 'a,b\r1,2\r3,4\r', '\u{FEFF}a,b\n\n1,2\n\n\n3,4\n\n']) {
    expect(read(text)).toEqual(expected)
  }
})

test('columns come by name, others are passed over, and a short row ends in missing values', () => {
  expect(read(',b,x,a\n0,2,9,1\n1,4\n')).toEqual([2, { b: ['2', '4'], a: ['1', undefined] }])
  expect(read('b\n""\n1\n')).toEqual([2, { b: ['', '1'] }])
  expect(read('a,b\n')).toEqual([0, { a: [], b: [] }])
  expect(read('a,b\n,\n')).toEqual([1, { a: [''], b: [''] }])
})

test('what cannot be read is refused by its line', () => {
  expect(() => read('')).toThrow('no columns to parse')
  expect(() => read('\n\n')).toThrow('no columns to parse')
  expect(() => read('a,b\n1,2\n1,2,3\n')).toThrow('line 3 has 3 fields, and the header 2')
  expect(() => read('a,b\n"x\ny",2\n1,2,3')).toThrow('line 4 has 3 fields')
  expect(() => read('a,b\n1,"2\n3,4\n')).toThrow('the quote that opens in line 2 is never closed')
  expect(() => read('a,b,a\n1,2,3\n')).toThrow('the header names the column "a" twice')
  expect(() => read('a\n1\n2\n3\n', ['a'], 2)).toThrow('a request may have 2 rows')
  expect(() => read(','.repeat(20_000))).toThrow('more than 10000 fields')
})

test('a text that is made to be slow to look through is read in one pass', () => {
  const started = performance.now()
  expect(() => read(`a\n"${'""'.repeat(2e6)}`)).toThrow('never closed')
  expect(() => read(`a\n${','.repeat(4e6)}`)).toThrow('4000001 fields')
  expect(read(`a\n"${'\n'.repeat(4e6)}"`)).toMatchObject([1, {}])
  expect(performance.now() - started).toBeLessThan(20_000)
})
