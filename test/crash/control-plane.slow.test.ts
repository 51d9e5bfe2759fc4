// The control plane killed with SIGKILL at thirty random moments, under load and in the middle of retrains.
import { expect, test } from 'vitest'
import { answers, playStory } from './story.ts'

/** Without a load beside it, it takes about a second. */
const recoveryLimitMs = 15_000

test('thirty kills of the control plane lose nothing that it acknowledged, and the gateway answers on', async () => {
  const { kills, ledger, verdict, left, slowestRecoveryMs, summary } = await playStory({
    victim: 'server',
    seed: 'control plane 1',
    supervised: false,
    meanDelayMs: 1_300,
    earlyShare: 0.25,
    retrainEveryMs: 0,
    isRecovered: ({ url }) => answers(`${url}/api/health`),
  })
  expect(verdict.complaints, summary).toEqual([])
  expect(left, summary).toEqual([])
  expect(ledger.hung, summary).toBe(0)
  expect(kills.length, summary).toBeGreaterThanOrEqual(30)
  // Nobody who asked for an answer noticed anything.
  expect(ledger.unanswered.length, summary).toBe(0)
  expect(verdict.lost, summary).toEqual([])
  expect(slowestRecoveryMs, summary).toBeLessThan(recoveryLimitMs)
  expect(verdict.versions, summary).toBeGreaterThanOrEqual(2)
  process.stderr.write(`${summary}\n`)
})
