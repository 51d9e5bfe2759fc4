// Whatever a body of MLflow's protocol or V1 is made of, it is rows of the model or an error with a code, and never anything else.
import { expect, test } from 'vitest'
import { createBatch } from '../../models/rows.ts'
import type { Signature } from '../../models/signature.ts'
import { DomainError } from '../../platform/errors.ts'
import { parseLenientJson } from './lenient-json.ts'
import { readCsvInvocation, readInvocation } from './mlflow.ts'
import { appendRequest, type RequestRows } from './request-rows.ts'
import { readV1 } from './v1.ts'
import { createRandomWhole } from '../../platform/testing-random.ts'

/** Names that objects bring along, and one column that may be left out. */
const signature: Signature = {
  task: 'binary',
  inputs: [
    { name: 'constructor', type: 'double', required: true },
    { name: '__proto__', type: 'long', required: false },
    { name: 'b64', type: 'string', required: false },
    { name: 'at', type: 'datetime', required: false },
    { name: 'flag', type: 'boolean', required: false },
  ],
  classes: ['no', 'yes'],
}
const optional: Signature = { ...signature, inputs: signature.inputs.slice(1) }

const pieces = [
  '{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '\r', '0', '1', '-', '.', 'e', '9007199254740993', '1e400', 'NaN', '-Infinity',
  'null', 'true', '""', '"1"', '"2001-01-31"', '{"b64":"QUE="}', '{"b64":"!"}', '[[1]]', '{}', '[]', '"inputs":', '"instances":', '"params":',
  '"dataframe_split":', '"dataframe_records":', '"columns":', '"data":', '"constructor":', '"__proto__":', '"b64":', '"at":', '"signature_name":',
  '"predict_method":', '{"toString":1}', 'constructor,b64\n', '\u{FEFF}', 'ü',
] // prettier-ignore
const good = [
  '{"dataframe_split":{"columns":["constructor","__proto__","at"],"data":[[1,2,"2001-01-31"],[null,3,0]]}}',
  '{"dataframe_records":[{"constructor":1,"b64":"x"},{"constructor":"2.5","flag":true}],"params":{"predict_method":"predict"}}',
  '{"instances":[{"constructor":1,"__proto__":9007199254740993},{"constructor":2,"__proto__":1}]}',
  '{"instances":[[1,2,"x",3,false]],"signature_name":"predict"}',
  '{"dataframe_split":{"columns":[0,"constructor"],"data":[[1,2]]},"params":{"predict_method":"records"}}',
  '{"inputs":{"constructor":[1,2],"b64":[{"b64":"QUE="},"x"]}}',
  '{"inputs":{"dense":[[1,2,"x",3,false]]}}',
  'constructor,__proto__,b64\r\n1,2,"a""b"\r\n,,\r\n',
]

/** A good body with pieces put in, taken out and repeated. */
function mangled(random: (limit: number) => number): string {
  let text = good[random(good.length)]!
  for (let change = random(5); change > 0; change--) {
    const at = random(text.length + 1)
    const end = at + random(random(4) === 0 ? 40 : 3)
    const instead = random(3) === 0 ? text.slice(at, end).repeat(2) : pieces[random(pieces.length)]!
    text = text.slice(0, at) + (random(4) === 0 ? '' : instead) + text.slice(end)
  }
  return text
}

const readers: Readonly<Record<string, (body: Buffer, signature: Signature) => RequestRows>> = {
  mlflow: (body, of) => readInvocation(parseLenientJson(body), of),
  v1: (body, of) => readV1(parseLenientJson(body), of),
  csv: (body, of) => readCsvInvocation(body.toString('utf8'), of),
}

/** Rows, or the code of the error. */
function outcome(read: () => RequestRows, of: Signature): number | string {
  try {
    const { columns, rows } = read()
    const batch = createBatch(of)
    appendRequest(batch, columns)
    expect(batch.rows).toBe(rows) // Nobody may get another's rows.
    return rows
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
}

test('mangled bodies are rows or an error with a code', () => {
  const seen = new Map<number | string, number>()
  for (let seed = 1; seed <= 8_000; seed++) {
    const random = createRandomWhole(seed)
    const body = mangled(random)
    const of = random(4) === 0 ? optional : signature
    for (const [name, read] of Object.entries(readers)) {
      try {
        const found = outcome(() => read(Buffer.from(body), of), of)
        seen.set(found, (seen.get(found) ?? 0) + 1)
      } catch (error) {
        throw new Error(`${name}, seed ${seed}: ${body}`, { cause: error })
      }
    }
  }
  // The walk reached the bottom of each: good rows, and errors of every stage.
  for (const code of [
    1,
    2,
    'json_invalid',
    'request_invalid',
    'input_value',
    'input_column_missing',
    'input_rows_unequal',
  ])
    expect(seen.get(code) ?? 0, String(code)).toBeGreaterThan(1)
})
