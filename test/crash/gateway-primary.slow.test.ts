// The gateway's primary killed with SIGKILL at thirty random moments, under load and while its configuration changes.
import { expect, test } from 'vitest'
import { callers } from './load.ts'
import { answers, playStory } from './story.ts'

/** Without a load beside it, it takes about a second. */
const recoveryLimitMs = 15_000

test('thirty kills of the gateway primary: answers resume, what was answered is logged but for the last second', async () => {
  const { kills, ledger, verdict, left, slowestRecoveryMs, summary } = await playStory({
    victim: 'gateway',
    seed: 'gateway primary 1',
    supervised: false,
    meanDelayMs: 900,
    earlyShare: 0.25,
    retrainEveryMs: 4_000,
    isRecovered: ({ gatewayUrl }) => answers(`${gatewayUrl}/v2/health/ready`),
  })
  expect(verdict.complaints, summary).toEqual([])
  expect(left, summary).toEqual([])
  expect(ledger.hung, summary).toBe(0)
  expect(kills.length, summary).toBeGreaterThanOrEqual(30)
  expect(slowestRecoveryMs, summary).toBeLessThan(recoveryLimitMs)
  // The control plane has no part in it.
  expect(ledger.batches.unknown, summary).toEqual([])
  // A worker that sees its primary go writes down what it has answered before it ends.
  expect(verdict.lost.length, summary).toBeLessThanOrEqual(callers * kills.length)
  process.stderr.write(`${summary}\n`)
})
