// The compute process of a gateway worker: runs what would keep the worker from answering. It may hang; its worker kills it.
import { clearBatch, createBatch, type Batch } from '../../../models/batch.ts'
import type { LoadedModel } from '../../../models/inference.ts'
import { monotonicMs } from '../../../platform/clock.ts'
import { messageOf } from '../../../platform/errors.ts'
import { readStored } from '../stored-model.ts'
import type { ComputeOrder, FromCompute, ToCompute } from './compute-messages.ts'
import { unpackRows } from './packed-rows.ts'

type Order<Kind> = Extract<ComputeOrder, { kind: Kind }>

const models = new Map<string, { readonly model: LoadedModel; readonly batch: Batch }>()

async function load({ key, path, signature }: Order<'load'>): Promise<void> {
  // The worker has said what is wrong with what was prepared, if anything is.
  const stored = await readStored({ path, signature, isTrusted: false }, () => undefined)
  const model = await stored.load()
  models.set(key, { model, batch: createBatch(signature) })
}

async function run(id: number, { key, rows, bytes }: Order<'run'>): Promise<FromCompute> {
  const held = models.get(key)
  if (!held) throw new Error('the compute process does not hold the version')
  const { model, batch } = held
  try {
    unpackRows(batch, bytes, rows)
    const startMs = monotonicMs()
    const { width, values } = await model.run(batch)
    return { id, kind: 'ran', width, values, ms: monotonicMs() - startMs }
  } finally {
    clearBatch(batch)
  }
}

async function release({ key }: Order<'release'>): Promise<void> {
  await models.get(key)?.model.release()
  models.delete(key)
}

async function answerTo(message: ToCompute): Promise<FromCompute> {
  const { id } = message
  try {
    if (message.kind === 'run') return await run(id, message)
    await (message.kind === 'load' ? load(message) : release(message))
    return { id, kind: 'done' }
  } catch (error) {
    return { id, kind: 'failed', message: messageOf(error) }
  }
}

let turn: Promise<unknown> = Promise.resolve()
process.on('message', (message: ToCompute) => {
  // The worker may be gone by now, and this process then ends.
  turn = turn.then(async () => process.send?.(await answerTo(message), undefined, undefined, () => undefined))
})
process.on('disconnect', () => process.exit(0))
// The worker decides about the end; a terminal's Ctrl-C reaches everybody.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
