// Process identities, on real processes.
import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { endProcess, identifyProcess, isAlive } from './processes.ts'

test('a process is known by more than its pid', () => {
  const self = identifyProcess(process.pid)
  expect(self && isAlive(self)).toBe(true)
  expect(isAlive({ ...self!, startTime: '1' })).toBe(false)
  expect(isAlive({ ...self!, bootId: 'another boot' })).toBe(false)
})

test('a process that ignores SIGTERM is ended all the same', async () => {
  const child = spawn(
    process.execPath,
    ['-e', "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)"],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const identity = identifyProcess(child.pid ?? 0)
  expect(identity).toBeDefined()
  await endProcess(identity!, 100)
  expect(identifyProcess(child.pid ?? 0)).toBeUndefined()
})
