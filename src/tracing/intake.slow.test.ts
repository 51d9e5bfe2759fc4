// A batch of very many traces: it is kept, and lets others have their turns.
import { expect, test } from 'vitest'
import { on, transact } from '../platform/database.ts'
import { logSpans } from './intake.ts'
import { findings, openTracing, testSpan, testTraceId } from './testing.ts'

test('a batch of very many traces is kept, and again, while the event loop turns', async () => {
  await using db = await openTracing()
  // More than a statement of SQLite has parameters.
  const count = 33_000
  const spans = Array.from({ length: count }, (_, index) => testSpan({ traceId: testTraceId(index.toString(16)) }))
  const found = await findings(...spans)
  for (const _ of ['new', 'again']) {
    let turns = 0
    let isOver = false
    const turn = (): void => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    await transact(db, (trx) => logSpans(trx, 1, found))
    isOver = true
    expect(turns).toBeGreaterThan(count / 512)
  }
  const kept = await on(db)
    .selectFrom('trace')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  expect(kept.count).toBe(count)
})
