// The home folder, on a real disk and with real processes.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findRuntime, loadSecrets, lockHome, mintStepToken, readStepToken, writeRuntime } from './home.ts'

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'trueloop-home-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

test('a second process is refused with the pid of the first, and a killed one leaves nothing behind', async () => {
  const script = `import('${import.meta.dirname}/home.ts').then(h => { globalThis.lock = h.lockHome('${home}', 'server'); h.writeRuntime('${home}', 'server'); console.log('up'); setInterval(() => {}, 1000) })`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  expect(() => lockHome(home, 'server')).toThrow(`process ${child.pid}`)
  expect(findRuntime(home, 'server')?.process.pid).toBe(child.pid)
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  using _ = lockHome(home, 'server')
  expect(findRuntime(home, 'server')).toBeUndefined()
  writeRuntime(home, 'server', { url: 'http://127.0.0.1:1' })
  expect(findRuntime(home, 'server')?.url).toBe('http://127.0.0.1:1')
})

test('secrets stay the same and are the owner’s alone', () => {
  expect(loadSecrets(home)).toEqual(loadSecrets(home))
  expect(statSync(join(home, 'secrets.json')).mode & 0o077).toBe(0)
})

test('a step token is good for its run and time, and not when a character is changed', () => {
  const secrets = loadSecrets(home)
  const token = mintStepToken(secrets, { runId: 'run_1', expiresAtMs: 1000 })
  expect(readStepToken(secrets, token, 999)?.runId).toBe('run_1')
  expect(readStepToken(secrets, token, 1000)).toBeUndefined()
  expect(readStepToken(secrets, token.replace('.1000.', '.9000.'), 999)).toBeUndefined()
  expect(readStepToken(secrets, 'tls.x', 999)).toBeUndefined()
})
