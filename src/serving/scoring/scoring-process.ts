// A process of a batch scoring: holds the model, scores the parts that it is told of on standard input, one after the other, and says so.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { loadModel } from '../../models/inference.ts'
import { DomainError } from '../../platform/errors.ts'
import { openTables } from '../../platform/tables.ts'
import { scorePart } from './part-scorer.ts'
import { ScoringPart, ScoringPlan, type ScorerAnswer } from './plan.ts'

const memoryLimitBytes = 256 * 1024 * 1024

const say = (answer: ScorerAnswer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`)

/** The first line is the plan, each further one a part. Ends with its input: when there is no more, or whoever started it is gone. */
async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const first = await lines.next()
  if (first.done === true) return
  const plan = ScoringPlan.parse(JSON.parse(first.value))
  const tempDirectory = await mkdtemp(join(plan.parts, 'spill-'))
  try {
    const model = await loadModel(await readFile(plan.model), { signature: plan.signature })
    await using tables = await openTables({ memoryLimitBytes, tempDirectory, threads: 1 })
    say({ kind: 'ready' })
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      const part = ScoringPart.parse(JSON.parse(line.value))
      await scorePart({ tables, model, progress: (rows) => say({ kind: 'progress', rows }) }, plan, part)
      say({ kind: 'done', part: part.part })
    }
  } finally {
    await rm(tempDirectory, { recursive: true, force: true })
  }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof DomainError)) throw error // A bug of ours, or the disk: whoever started it tells it with the stack.
  const { kind, code, message } = error
  say({ kind: 'failed', error: { kind, code, message } })
  process.stdin.destroy() // Or it would wait for further parts.
}
