// Which kills take a version out.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../platform/clock.ts'
import { createIds } from '../../platform/ids.ts'
import { foreignKillsBeforeQuarantine, killsBeforeQuarantine } from '../contract/gateway-limits.ts'
import { createIncidents, type Incidents } from './incidents.ts'

async function open(): Promise<Incidents> {
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-incidents-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return createIncidents({ directory, clock: systemClock, ids: createIds() }, [])
}

const notes = (incidents: Incidents, kind: 'hung' | 'died' | 'killed', count: number): boolean[] =>
  Array.from({ length: count }, () => incidents.note({ kind, worker: 'wrk_1', version: 'flights/1', detail: '' }))

test('a version that hung or ended its worker twice is taken out, once', async () => {
  expect(notes(await open(), 'hung', 3)).toEqual([false, true, false])
  expect(notes(await open(), 'died', killsBeforeQuarantine).at(-1)).toBe(true)
})

test('a version whose workers somebody else killed is taken out only after many of them', async () => {
  const incidents = await open()
  const early = notes(incidents, 'killed', foreignKillsBeforeQuarantine - 1)
  expect(early).not.toContain(true)
  expect(notes(incidents, 'killed', 1)).toEqual([true])
})
