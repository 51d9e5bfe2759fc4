// Ids: of one form, never twice, and in the order in which they were made.
import { expect, test } from 'vitest'
import { createIds } from './ids.ts'

test('ids of one source sort as they were made, within a millisecond and over a clock that is set back', () => {
  let nowMs = 1_795_000_000_000
  const ids = createIds(() => nowMs)
  const made = Array.from({ length: 3_000 }, () => ids('run'))
  nowMs -= 60_000
  made.push(ids('run'))
  nowMs += 120_000
  made.push(ids('run'))
  expect(made.toSorted()).toEqual(made)
  expect(new Set(made).size).toBe(made.length)
  for (const id of made) expect(id).toMatch(/^run_[0-9a-hjkmnp-tv-z]{25}$/v)
})

test('two sources at the same moment make different ids', () => {
  const clock = () => 5
  expect(createIds(clock)('x')).not.toBe(createIds(clock)('x'))
})
