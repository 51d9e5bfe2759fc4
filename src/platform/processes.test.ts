// Process identities, on real processes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { expect, test } from 'vitest'
import { endProcess, identifyProcess, isAlive, letYieldToAnswers, whenIdle } from './processes.ts'

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

test('a process that was started yields from then on, and one that has ended is nobody’s concern', async () => {
  const own = getPriority()
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => undefined, 60_000)'], { stdio: 'ignore' })
  letYieldToAnswers(child)
  expect(getPriority(child.pid)).toBe(10)
  child.kill('SIGKILL')
  await once(child, 'exit')
  letYieldToAnswers(child)
  letYieldToAnswers({ pid: undefined })
  expect(getPriority()).toBe(own)
})

test.runIf(whenIdle('', []))(
  'a process that is started for idle cores has the policy of such, in all of its threads',
  async () => {
    const { command, args } = whenIdle(process.execPath, ['-e', 'console.log(0), setTimeout(() => undefined, 60_000)'])!
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout, 'data')
    const threads = readdirSync(`/proc/${child.pid}/task`)
    expect(threads.length).toBeGreaterThan(2)
    // SCHED_IDLE is the policy 5, the 41st field: the 39th after the name, which ends in a bracket.
    const policies = threads.map(
      (id) => readFileSync(`/proc/${child.pid}/task/${id}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[38],
    )
    expect(new Set(policies)).toEqual(new Set(['5']))
    child.kill('SIGKILL')
    await once(child, 'exit')
  },
)
