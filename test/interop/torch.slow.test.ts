// Models as both of PyTorch's exporters write them, and PyTorch's own answers to their rows: made by torch_reference.py, which is run by hand.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { answers } from '../../src/models/testing-linear.ts'

const Reference = z.object({
  torch: z.string(),
  cases: z.array(
    z.object({
      name: z.string(),
      exporter: z.enum(['torchscript', 'dynamo']),
      task: z.enum(['binary', 'multiclass', 'regression']),
      /** Of each input in turn; null is a gap. */
      rows: z.array(z.array(z.number().nullable())),
      expected: z.array(z.array(z.number())),
      onnx: z.base64(),
    }),
  ),
})

const text = await readFile(join(import.meta.dirname, 'torch_reference.json'), 'utf8')
const { torch, cases } = Reference.parse(JSON.parse(text))

test.each(cases)(`$name of PyTorch ${torch}, $exporter: as PyTorch answers`, async ({ task, rows, expected, onnx }) => {
  const classes = expected[0]!.map((_, place) => `class ${place}`)
  const wish = task === 'regression' ? { task } : { task, classes }
  const file = Buffer.from(onnx, 'base64')
  const close = (values: readonly number[][]): unknown[] => values.flat().map((value) => expect.closeTo(value, 5))
  expect(await answers(file, wish, rows)).toEqual(close(expected))
  for (const [at, row] of rows.entries()) expect(await answers(file, wish, [row])).toEqual(close([expected[at]!]))
  expect(await answers(file, wish, [])).toEqual([])
})
