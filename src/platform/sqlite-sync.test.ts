// Syncs of SQLite's log: who waits for which, and what a failed one means.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLogSync } from './sqlite-sync.ts'

const directory = mkdtempSync(join(tmpdir(), 'trueloop-sync-'))
const path = join(directory, 'log')
writeFileSync(path, '')
afterAll(() => rmSync(directory, { recursive: true }))

type Done = (error: Error | null) => void

/** A disk that answers when it is told to, after the milliseconds that it is told. */
function createDisk() {
  const waiting: Done[] = []
  const state = { nowMs: 0, waits: 0, waitMs: 0, error: undefined as Error | undefined }
  return {
    waiting,
    state,
    start: (_: number, done: Done) => void waiting.push(done),
    wait: () => {
      state.waits++
      state.nowMs += state.waitMs
      if (state.error) throw state.error
    },
    nowMs: () => state.nowMs,
    answer(error: Error | null = null, ms = 2) {
      state.nowMs += ms
      waiting.shift()!(error)
    },
  }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('whoever comes while a sync is under way waits for the next, and all of those share it', async () => {
  const disk = createDisk()
  const log = createLogSync(path, disk)
  const told: string[] = []
  const ask = (name: string) => log.synced().then(() => void told.push(name))
  const asked = [ask('first'), ask('second'), ask('third')]
  expect(disk.waiting).toHaveLength(1)
  disk.answer()
  await turn()
  expect(told).toEqual(['first'])
  expect(disk.waiting).toHaveLength(1)
  asked.push(ask('fourth'))
  disk.answer()
  await turn()
  expect(told).toEqual(['first', 'second', 'third'])
  disk.answer()
  await Promise.all(asked)
  expect(told).toEqual(['first', 'second', 'third', 'fourth'])
  asked.push(ask('fifth'))
  disk.answer()
  await Promise.all(asked)
  expect(disk.waiting).toHaveLength(0)
  await log.close()
})

test('after a sync that failed nobody is told that anything is stored', async () => {
  const disk = createDisk()
  const log = createLogSync(path, disk)
  const asked = [log.synced(), log.synced()]
  log.assertSound()
  disk.answer(new Error('EIO: i/o error'))
  const answers = await Promise.allSettled(asked)
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'disk_sync_failed' } })
  }
  expect(disk.waiting).toHaveLength(0)
  await expect(log.synced()).rejects.toThrow('did not take what was written (EIO: i/o error)')
  expect(() => log.assertSound()).toThrow('look after the disk')
  await log.close()
})

test('a disk that is fast enough is waited for, until it is slow', async () => {
  const disk = createDisk()
  const log = createLogSync(path, disk)
  const first = log.synced()
  disk.answer(null, 0.1)
  await first
  disk.state.waitMs = 0.1
  await log.synced()
  disk.state.waitMs = 20
  await log.synced()
  expect(disk.state.waits).toBe(2)
  const slow = log.synced()
  expect(disk.waiting).toHaveLength(1)
  disk.answer()
  await slow
  const fast = log.synced()
  disk.answer(null, 0.1)
  await fast
  disk.state.error = new Error('EIO: i/o error')
  await expect(log.synced()).rejects.toMatchObject({ code: 'disk_sync_failed' })
  expect(() => log.assertSound()).toThrow('EIO')
  await log.close()
})

test('a real disk answers, and closing waits for it', async () => {
  const log = createLogSync(path)
  const told = Promise.all([log.synced(), log.synced(), log.synced()])
  await log.close()
  await told
})
