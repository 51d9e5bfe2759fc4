// The compute process with real models: the same answers, orders kept, and what its end costs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { appendColumns } from '../../../models/rows.ts'
import { createBatch } from '../../../models/batch.ts'
import { loadModel } from '../../../models/inference.ts'
import { fragileModel, smallModel, smallSignature } from '../../../models/testing.ts'
import { silentLog } from '../../../platform/log.ts'
import { slowModel } from '../../testing/models.ts'
import { createCompute, type Compute, type ComputeLoss } from './compute.ts'

const directory = mkdtempSync(join(tmpdir(), 'trueloop-compute-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

interface TestCompute extends Disposable {
  readonly compute: Compute
  readonly losses: ComputeLoss[]
  readonly pids: number[]
  copiedBytes: number
}

function startCompute(limitMs = 2_000): TestCompute {
  const losses: ComputeLoss[] = []
  const pids: number[] = []
  const made: TestCompute = {
    losses,
    pids,
    copiedBytes: 0,
    compute: createCompute({
      lost: (loss) => losses.push(loss),
      noteProcess: (pid) => pid !== undefined && pids.push(pid),
      copied: (bytes) => (made.copiedBytes += bytes),
      log: silentLog,
      limitMs,
    }),
    [Symbol.dispose]: () => made.compute.close(),
  }
  return made
}

function store(bytes: Uint8Array, name: string): string {
  const path = join(directory, name)
  writeFileSync(path, bytes)
  return path
}

function batchOf(x: readonly (number | null)[], carrier: readonly (string | null)[] = x.map(() => 'AA')) {
  const batch = createBatch(smallSignature)
  appendColumns(batch, { x, carrier, date: x.map((_, at) => `2001-01-31T0${at % 10}:45:00Z`) })
  return batch
}

test('a model in the compute process answers exactly what it answers here', async () => {
  using made = startCompute()
  const bytes = smallModel()
  const here = await loadModel(bytes, { signature: smallSignature })
  const there = await made.compute.load({ version: 's/1', path: store(bytes, 'small'), signature: smallSignature })
  for (const batch of [batchOf([1, null, -3], ['AA', 'ß€😀', null]), batchOf([]), batchOf([0.1])]) {
    const expected = await here.run(batch)
    const found = await there.run(batch)
    expect(found).toEqual({ rows: expected.rows, width: expected.width, values: expected.values.slice() })
  }
  // Four bytes of a number, eight of a time, a length and the text; and two probabilities back.
  expect(made.copiedBytes).toBe(4 * (4 + 8 + 4 + 8) + Buffer.byteLength('AAß€😀AA'))
  expect(there.lastRunMs).toBeGreaterThan(0)
  await here.release()
  await there.release()
  await expect(there.run(batchOf([1]))).rejects.toMatchObject({ code: 'model_failed' })
})

test('many runs under way are answered in their order, and one that the model fails on fails alone', async () => {
  using made = startCompute()
  const path = store(fragileModel(), 'fragile')
  const there = await made.compute.load({ version: 's/2', path, signature: smallSignature })
  const order: number[] = []
  const all = Array.from({ length: 20 }, async (_, at) => {
    const result = await there.run(batchOf([at], [at === 7 ? 'ZZ' : 'AA'])).catch((error: unknown) => error)
    order.push(at)
    return result
  })
  const results = await Promise.all(all)
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  expect(results.filter((result) => result instanceof Error)).toEqual([results[7]])
  expect(results[7]).toMatchObject({ code: 'model_failed' })
  expect(made.losses).toEqual([])
})

test('a run that hangs takes itself alone, and what waits behind it is answered by the next process', async () => {
  using made = startCompute(1_000)
  const slow = slowModel()
  const hanging = await made.compute.load({
    version: 'slow/1',
    path: store(slow.bytes, 'slow'),
    signature: slow.signature,
  })
  const path = store(smallModel(), 'small')
  const good = await made.compute.load({ version: 's/1', path, signature: smallSignature })
  const endless = createBatch(slow.signature)
  appendColumns(endless, { x: [4_000] })
  const hung = hanging.run(endless)
  const behind = [good.run(batchOf([1])), good.run(batchOf([2]))]
  await expect(hung).rejects.toMatchObject({ code: 'compute_lost' })
  expect((await Promise.all(behind)).map(({ rows }) => rows)).toEqual([1, 1])
  expect(made.losses).toEqual([{ kind: 'hung', version: 'slow/1' }])
  expect(made.pids).toHaveLength(2)
  const quick = createBatch(slow.signature)
  appendColumns(quick, { x: [1] })
  expect((await hanging.run(quick)).values[0]).toBeCloseTo(1, 3)
})

test('a process that somebody kills comes back with what it held', async () => {
  using made = startCompute()
  const path = store(smallModel(), 'small')
  const there = await made.compute.load({ version: 's/1', path, signature: smallSignature })
  process.kill(made.pids[0]!, 'SIGKILL')
  const first = there.run(batchOf([1])).catch((error: unknown) => error)
  const second = there.run(batchOf([1]))
  // The first was under way or not yet sent: it is answered, or told that it was lost.
  const found = await first
  if (found instanceof Error) expect(found).toMatchObject({ code: 'compute_lost' })
  expect((await second).rows).toBe(1)
  expect(made.pids).toHaveLength(2)
})

test('a model that does not load says why, and the process goes on', async () => {
  using made = startCompute()
  const path = store(Buffer.from('no model'), 'broken')
  const broken = made.compute.load({ version: 'b/1', path, signature: smallSignature })
  await expect(broken).rejects.toThrow(/ONNX/v)
  const good = store(smallModel(), 'small')
  const there = await made.compute.load({ version: 's/1', path: good, signature: smallSignature })
  expect((await there.run(batchOf([1]))).rows).toBe(1)
  expect(made.losses).toEqual([])
})
