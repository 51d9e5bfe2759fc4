// Loads a version before the workers do, checks it, and writes down what they need to load it in milliseconds. One request on standard input,
// one answer on standard output. It may hang; its parent kills it.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { proveModel } from '../../models/inference.ts'
import {
  decodePreparation,
  encodePreparation,
  isPreparationWhole,
  notMeasured,
  preparationName,
} from '../../models/preparation.ts'
import { messageOf } from '../../platform/errors.ts'
import { monotonicMs, systemClock } from '../../platform/clock.ts'
import { createLog } from '../../platform/log.ts'
import { Variant } from '../gateway-config.ts'
import { loadLocally, measure, type LocalDeps } from '../worker/local-version.ts'
import type { PreparationAnswer } from './preparation-answer.ts'

const Request = z.strictObject({ modelDirectory: z.string(), variant: Variant })
type Request = z.infer<typeof Request>

// What is wrong with a model is told by the worker that serves it.
const log = createLog({
  level: 'error',
  clock: systemClock,
  format: 'json',
  write: (line) => process.stderr.write(line),
})

/** What another process of this release wrote, if it is whole. */
async function knownLoadMs({ modelDirectory, variant }: Request): Promise<number | undefined> {
  const { digest, signature } = variant
  try {
    const bytes = await readFile(join(modelDirectory, preparationName(digest, signature)))
    const found = isPreparationWhole(bytes) ? await decodePreparation(bytes, signature) : undefined
    return found && found.loadMs > notMeasured ? found.loadMs : undefined
  } catch {
    return undefined // Not there, or not readable: it is written anew.
  }
}

/** Of this thread alone: this process has to wait for everybody, which a worker that loads does not. */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

async function prepare(request: Request): Promise<number> {
  const known = await knownLoadMs(request)
  if (known !== undefined) return known
  const { modelDirectory, variant } = request
  const { digest, signature } = variant
  const deps: LocalDeps = { modelDirectory, nowMs: workedMs, log }
  const { model, proof } = await proveModel(await readFile(join(modelDirectory, digest)), { signature })
  // The code itself is slow when it first runs, which it no longer does in a worker that serves.
  await measure(deps, variant, { runner: model })
  const { runs } = await measure(deps, variant, { runner: model })
  await model.release()
  const path = join(modelDirectory, preparationName(digest, signature))
  // Its own: one that was ended may still be at its last write.
  const unfinished = `${path}.${process.pid}.part`
  const write = async (loadMs: number): Promise<void> => {
    const bytes = await encodePreparation(signature, { loadMs, runs, proof })
    await writeFile(unfinished, bytes, { mode: 0o600, flush: true })
    await rename(unfinished, path)
  }
  await write(notMeasured)
  // The least of a few: what is not yet in the processor's memory makes the first ones long.
  let loadMs = Infinity
  const startMs = monotonicMs()
  for (let turn = 0; turn < loadTurnsMax && (turn === 0 || monotonicMs() - startMs < loadTurnsMs); turn++) {
    const again = await loadLocally(deps, variant)
    await again.model.release()
    loadMs = Math.min(loadMs, Math.max(leastLoadMs, again.loadMs))
  }
  await write(loadMs)
  return loadMs
}

/** Told apart from one that was not measured. */
const leastLoadMs = 0.001
const [loadTurnsMax, loadTurnsMs] = [6, 200]

async function main(): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  let answer: PreparationAnswer
  try {
    answer = { loadMs: await prepare(Request.parse(JSON.parse(Buffer.concat(chunks).toString()))) }
  } catch (error) {
    answer = { reason: messageOf(error) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

await main()
