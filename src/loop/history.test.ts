// The story as people read it.
import { expect, test } from 'vitest'
import { renderHistory } from './history.ts'
import type { Decision } from './policy-state.ts'

const decisions: Decision[] = [
  {
    atMs: Date.parse('2001-02-01T00:00:00Z'),
    kind: 'went_live',
    sentence: 'flights/1 is live: the first champion has none to be compared with.',
    evidence: { eventSeq: 9, modelVersion: 'flights/1' },
  },
  {
    atMs: Date.parse('2001-04-20T13:30:00Z'),
    kind: 'alert_opened',
    sentence: 'Monitor calibration opened: predicted 0.204, observed 0.161, n 51,000.',
    evidence: {},
  },
]

test('each decision is a line with its policy time, and its proof below where asked', () => {
  expect(renderHistory(decisions)).toBe(
    [
      '2001-02-01 00:00  went live          flights/1 is live: the first champion has none to be compared with.',
      '2001-04-20 13:30  alert opened       Monitor calibration opened: predicted 0.204, observed 0.161, n 51,000.',
    ].join('\n'),
  )
  expect(renderHistory(decisions.slice(0, 1), { evidence: true })).toBe(
    [
      '2001-02-01  went live          flights/1 is live: the first champion has none to be compared with.',
      '                               event 9, model version flights/1',
    ].join('\n'),
  )
  expect(renderHistory([])).toBe('Nothing has happened yet.')
})
