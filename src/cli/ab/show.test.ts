// An A/B test as the terminal shows it: its plan, and each look at each version.
import { expect, test } from 'vitest'
import { AbPlan, type AbTest, type AbVerdict } from '../../rollouts/ab-test.ts'
import { renderAbTests } from './list.ts'
import { renderAbTest } from './show.ts'

const plan = AbPlan.parse({
  hypothesis: 'version 3 brings more renewals',
  treatments: [{ version: 'churn/3', weight: 0.2 }],
  metric: 'outcome',
  minimumEffect: 0.01,
})
const found: AbTest = {
  id: 'abt_1',
  endpoint: 'churn',
  control: 'churn/2',
  plan,
  planDigest: 'd',
  state: 'concluded',
  winner: 'churn/3',
  startedMs: 0,
  finishedMs: 86_400_000,
  sentence: 'churn/3 is better: mean outcome is better by 0.03',
  createdBy: 'ann',
  createdAtMs: 0,
}
const verdict: AbVerdict = {
  test: 'abt_1',
  sequence: 1,
  outcome: 'conclude',
  reason: 'settled',
  arms: [
    { version: 'churn/3', verdict: 'better', reason: 'mean outcome is better by 0.03 [0.02, 0.04]', statistics: {} },
  ],
  planDigest: 'd',
  judgedMs: 86_400_000,
  atMs: 0,
}

test('a test is shown with its hypothesis, shares and what was found of each version', () => {
  const text = renderAbTest(found, [verdict])
  for (const part of ['version 3 brings more renewals', 'churn/2 (80 %), churn/3 (20 %)', 'better by more than 0.01']) {
    expect(text).toContain(part)
  }
  expect(text).toMatch(/1\s.*churn\/3\s+better\s+mean outcome is better by 0\.03 \[0\.02, 0\.04\]/v)
  expect(renderAbTest({ ...found, state: 'running', winner: null, finishedMs: null }, [])).toContain(
    'Nothing has been judged yet.',
  )
})

test('a list names the better one, and says when there is none', () => {
  expect(renderAbTests([found])).toMatch(/abt_1\s+churn\s+churn\/2\s+churn\/3\s+outcome\s+concluded\s+churn\/3/v)
  expect(renderAbTests([])).toBe('There has been no A/B test.')
})
