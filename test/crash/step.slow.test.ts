// Steps killed with SIGKILL at thirty random moments, under load: while rows are read, models are trained, validated and judged.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { HomeProcess } from './home.ts'
import { playStory } from './story.ts'

/** What a step's process was started for: the last of its arguments is its attempt's directory. */
function workOf({ command }: HomeProcess): { stepRunId: string; step: string } {
  const directory = command.trimEnd().split(' ').at(-1)!
  return JSON.parse(readFileSync(join(directory, 'input.json'), 'utf8')) as { stepRunId: string; step: string }
}

test('thirty kills of a step: each is tried again, nothing is recorded twice, and the gateway answers on', async () => {
  // Each step once, or the steps after it would never get their turn.
  const killed = new Map<string, string>()
  const { kills, ledger, verdict, left, summary } = await playStory({
    victim: 'step',
    seed: 'step 1',
    supervised: true,
    meanDelayMs: 600,
    earlyShare: 1,
    retrainEveryMs: 0,
    isRecovered: async () => true,
    isFair: (victim) => !killed.has(workOf(victim).stepRunId),
    onKill(victim) {
      const { stepRunId, step } = workOf(victim)
      killed.set(stepRunId, step)
    },
  })
  expect(verdict.complaints, summary).toEqual([])
  expect(left, summary).toEqual([])
  expect(ledger.hung, summary).toBe(0)
  expect(kills.length, summary).toBeGreaterThanOrEqual(30)
  // Each of the kinds that have a process, and all of the retrains came through.
  expect([...new Set(killed.values())].toSorted(), summary).toEqual(['evaluate', 'infra', 'ingest', 'train'])
  expect(verdict.decisions['attempt_failed'], summary).toBeUndefined()
  expect(verdict.attempts['failed'], summary).toBeGreaterThanOrEqual(20)
  expect(ledger.unanswered.length, summary).toBe(0)
  expect(verdict.lost, summary).toEqual([])
  expect(ledger.batches.unknown, summary).toEqual([])
  process.stderr.write(`${summary}\n`)
})
