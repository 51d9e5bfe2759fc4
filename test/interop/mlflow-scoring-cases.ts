// What a scoring server may be asked, well and badly.

const json = 'application/json'
const csv = 'text/csv'
const good = [
  { x: 1.5, count: 2, carrier: 'AA' },
  { x: -1.5, count: -2, carrier: 'BB' },
]
const [first] = good
const columns = ['x', 'count', 'carrier']
const data = [
  [1.5, 2, 'AA'],
  [-1.5, -2, 'BB'],
]
const header = 'x,count,carrier'

type Case = readonly [contentType: string, body: string | Buffer]
const ofJson = (body: unknown): Case => [json, JSON.stringify(body)]
const ofRecord = (change: object): Case => ofJson({ dataframe_records: [{ ...first, ...change }, good[1]] })
const ofCsv = (...lines: string[]): Case => [csv, `${lines.join('\n')}\n`]

export const cases: Readonly<Record<string, Case>> = {
  dataframe_split: ofJson({ dataframe_split: { columns, data } }),
  'dataframe_split in another order, with an index': ofJson({
    dataframe_split: {
      columns: ['carrier', 'x', 'count'],
      index: [7, 8],
      data: [
        ['AA', 1.5, 2],
        ['BB', -1.5, -2],
      ],
    },
  }),
  'dataframe_split without columns': ofJson({ dataframe_split: { data } }),
  'dataframe_split with a column too many': ofJson({
    dataframe_split: { columns: [...columns, 'id'], data: data.map((row) => [...row, 'z']) },
  }),
  'dataframe_split without a column': ofJson({
    dataframe_split: { columns: ['x', 'count'], data: data.map((row) => row.slice(0, 2)) },
  }),
  'dataframe_split with short rows': ofJson({ dataframe_split: { columns, data: [[1, 2]] } }),
  'dataframe_split that is a list': ofJson({ dataframe_split: [] }),
  'dataframe_split with another key': ofJson({ dataframe_split: { data: [], more: 1 } }),
  'dataframe_split without data': ofJson({ dataframe_split: { columns } }),
  dataframe_records: ofJson({ dataframe_records: good }),
  'dataframe_records that is an object': ofJson({ dataframe_records: first }),
  'dataframe_records without a row': ofJson({ dataframe_records: [] }),
  'dataframe_records without a column': ofJson({ dataframe_records: [{ x: 1, count: 2 }] }),
  'numbers written as texts': ofRecord({ x: '1.5', count: '2' }),
  'a text that is no number': ofRecord({ x: 'abc' }),
  'a flag in a column of numbers': ofRecord({ x: true }),
  'a missing text': ofRecord({ carrier: null }),
  'a missing whole number': ofRecord({ count: null }),
  'a missing number that the model cannot do without': ofRecord({ x: null }),
  'a fraction in a column of whole numbers': ofRecord({ count: 2.5 }),
  'a number in a column of texts': ofRecord({ carrier: 7 }),
  'a whole number beyond 2^53': [json, '{"dataframe_records":[{"x":1.5,"count":9007199254740993,"carrier":"AA"}]}'],
  'bare NaN for a text': [json, '{"dataframe_records":[{"x":1.5,"count":2,"carrier":NaN}]}'],
  'bare Infinity': [json, '{"dataframe_records":[{"x":Infinity,"count":2,"carrier":"AA"}]}'],
  'instances, objects': ofJson({ instances: good }),
  'instances, lists': ofJson({ instances: data }),
  'instances that is an object': ofJson({ instances: { x: [1.5] } }),
  'instances with unequal names': ofJson({ instances: [first, { x: 1.5, carrier: 'AA' }] }),
  'a signature_name': ofJson({ instances: good, signature_name: 'any' }),
  'inputs, columns': ofJson({ inputs: { carrier: ['AA', 'BB'], x: [1.5, -1.5], count: [2, -2] } }),
  'inputs, one row of values': ofJson({ inputs: first }),
  'inputs, objects': ofJson({ inputs: good }),
  'inputs of unequal lengths': ofJson({ inputs: { x: [1, 2], count: [2], carrier: ['AA'] } }),
  'inputs that is a number': ofJson({ inputs: 3 }),
  'params that nobody knows': ofJson({ dataframe_records: good, params: { temperature: 1 } }),
  'params that are none': ofJson({ dataframe_records: good, params: 1 }),
  'a field that nobody knows': ofJson({ dataframe_records: good, more: 1 }),
  'two formats': ofJson({ dataframe_records: good, inputs: good }),
  'no format': ofJson({ rows: good }),
  'an empty object': ofJson({}),
  'a list': ofJson([1]),
  'a number': ofJson(3),
  'a text': ofJson('x'),
  null: ofJson(null),
  'broken JSON': [json, '{"inputs":'],
  'an empty body': [json, ''],
  'JSON that is no UTF-8': [json, Buffer.from('{"inputs":"\u00FF"}', 'latin1')],
  CSV: ofCsv(header, '1.5,2,AA', '-1.5,-2,BB'),
  'CSV with texts of digits': ofCsv(header, '1.5,2,07', '-1.5,-2,07'),
  'CSV in another order, quoted, with CRLF': [csv, 'carrier,count,x\r\n"AA",2,1.5\r\n"BB",-2,-1.5\r\n'],
  'CSV with an index': ofCsv(`,${header}`, '0,1.5,2,AA', '1,-1.5,-2,BB'),
  'CSV with commas, quotes and lines in fields': ofCsv(header, '1.5,2,"A,A"', '-1.5,-2,"A""A"', '1.5,2,"A\nA"'),
  'CSV with empty lines and spaces': ofCsv(header, '', ' 1.5, 2,AA', '', '-1.5,-2,BB', ''),
  'CSV without a text': ofCsv(header, '1.5,2,', '-1.5,-2,BB'),
  'CSV without a whole number': ofCsv(header, '1.5,,AA'),
  'CSV without a number that the model needs': ofCsv(header, ',2,AA'),
  'CSV with a short row': ofCsv(header, '1.5,2', '-1.5,-2,BB'),
  'CSV with a long row': ofCsv(header, '1.5,2,AA', '1.5,2,AA,BB'),
  'CSV with a text that is no number': ofCsv(header, 'abc,2,AA'),
  'CSV without a column': ofCsv('x,count', '1.5,2'),
  'CSV with nothing': [csv, ''],
  'CSV with a header alone': ofCsv(header),
  'CSV with an open quote': ofCsv(header, '1.5,2,"AA'),
  'CSV that is no UTF-8': [csv, Buffer.from(`${header}\n1,2,\u00FF\n`, 'latin1')],
  'a charset': [`${json}; charset=utf-8`, ofJson({ inputs: good })[1]],
  'a charset in capitals': [`${csv};charset=UTF-8`, `${header}\n1.5,2,AA\n`],
  'another charset': [`${json}; charset=latin-1`, '{}'],
  'another parameter': [`${json}; format=pandas-split`, '{}'],
  'another type': ['application/xml', '<a/>'],
  'no type': ['', '{}'],
  Parquet: ['application/vnd.apache.parquet', Buffer.from('PAR1')],
}
