// Gateway workers killed with SIGKILL at thirty random moments, under load and while their configuration changes.
import { expect, test } from 'vitest'
import { callers } from './load.ts'
import { missedAfter, playStory, servingWorkers } from './story.ts'

/** Without a load beside it, it takes about a second. */
const recoveryLimitMs = 15_000
const workers = 2

test('thirty kills of a gateway worker: the others answer on, a second of the log is lost at most', async () => {
  const end = await playStory({
    victim: 'gateway-worker',
    seed: 'gateway worker 1',
    supervised: true,
    meanDelayMs: 900,
    earlyShare: 0.25,
    retrainEveryMs: 4_000,
    isRecovered: async ({ gatewayUrl }) => (await servingWorkers(gatewayUrl)) >= workers,
  })
  const { kills, ledger, verdict, left, slowestRecoveryMs, summary } = end
  expect(verdict.complaints, summary).toEqual([])
  expect(left, summary).toEqual([])
  expect(kills.length, summary).toBeGreaterThanOrEqual(30)
  expect(slowestRecoveryMs, summary).toBeLessThan(recoveryLimitMs)
  // With the other worker there, only what was under way in the killed one: a request of each caller, and perhaps its next try.
  for (const missed of missedAfter(end, ({ wasRecovered }) => wasRecovered))
    expect(missed, summary).toBeLessThanOrEqual(2 * callers)
  expect(ledger.hung, summary).toBe(0)
  expect(ledger.batches.unknown, summary).toEqual([])
  process.stderr.write(`${summary}\n`)
})
