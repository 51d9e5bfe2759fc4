// The command line as a newcomer meets it: the real program, a real home, free ports.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'

const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
const folder = mkdtempSync(join(tmpdir(), 'trueloop-cli-'))
const home = join(folder, 'home')
const { PATH, HOME } = process.env
// What is compiled once need not be compiled for each of two dozen processes.
const NODE_COMPILE_CACHE = join(folder, 'compiled')

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
  const settings = {
    TRUELOOP_HOME: home,
    TRUELOOP_PORT: '0',
    TRUELOOP_GATEWAY_PORT: '0',
    TRUELOOP_GATEWAY_WORKERS: '1',
  }
  const env = { PATH, HOME, NODE_COMPILE_CACHE, ...settings }
  return spawn(process.execPath, [program, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

function trueloop(args: readonly string[]): Promise<Ended> {
  const child = start(args)
  return new Promise((resolve, reject) => {
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, err }))
  })
}

beforeAll(async () => {
  const [init, up] = await Promise.all([trueloop(['init']), trueloop(['up', '--detach', '--json'])])
  expect(init).toMatchObject({ code: 0 })
  expect(up).toMatchObject({ code: 0, err: '' })
  expect(JSON.parse(up.out)).toMatchObject({ home })
})

afterAll(async () => {
  await trueloop(['down'])
  rmSync(folder, { recursive: true, force: true })
})

test('--version needs nothing', async () => {
  const { code, out } = await trueloop(['--version'])
  expect({ code, out }).toEqual({ code: 0, out: '0.1.0\n' })
})

test('init writes a project and says what is next; again it overwrites nothing', async () => {
  expect(existsSync(join(folder, 'tsconfig.json'))).toBe(true)
  const before = readFileSync(join(folder, 'loop.ts'), 'utf8')
  writeFileSync(join(folder, 'package.json'), '{}')
  const { code, out } = await trueloop(['init'])
  expect(code).toBe(0)
  expect(out).toContain('Wrote nothing: all of it is there already.')
  expect(readFileSync(join(folder, 'loop.ts'), 'utf8')).toBe(before)
  expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe('{}')
})

test('a wrong command line is one sentence on standard error, with exit code 2', async () => {
  const wrong = await Promise.all(
    [['statsu'], ['up', '--foo'], ['data', 'show'], ['audit', '--limit', 'many'], ['open', 'nothing/here']].map(
      (args) => trueloop(args),
    ),
  )
  for (const { code, out, err } of wrong) {
    expect({ code, out, lines: err.trimEnd().split('\n').length }).toEqual({ code: 2, out: '', lines: 1 })
  }
  expect(wrong[0]?.err).toContain('did you mean status?')
  const { err } = await trueloop(['statsu', '--json'])
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'usage' } })
})

test('what is not there, is in use, or cannot be reached says so, each with its exit code', async () => {
  const [missing, twice, unreachable] = await Promise.all([
    trueloop(['endpoint', 'show', 'nope', '--json']),
    trueloop(['up', '--detach']),
    trueloop(['plan', 'no-such-loop.ts']),
  ])
  expect(missing).toMatchObject({ code: 3, out: '' })
  expect(JSON.parse(missing.err)).toMatchObject({ error: { code: 'endpoint_not_found' } })
  expect(twice).toMatchObject({ code: 6 })
  expect(twice.err).toMatch(/is already up \(process \d+\)/v)
  expect(unreachable).toMatchObject({ code: 3 })
  expect(unreachable.err).toContain('no-such-loop.ts')
})

test('plan shows what a new loop would make, and status of an empty home what to do', async () => {
  const [plan, status, lists] = await Promise.all([
    trueloop(['plan']),
    trueloop(['status']),
    trueloop(['api', 'GET', '/loops']),
  ])
  expect(plan).toMatchObject({ code: 0, err: '' })
  expect(plan.out).toContain('+ dataset.events')
  expect(plan.out).toContain('0 to update, 0 to delete.')
  expect(status).toMatchObject({ code: 0, err: '' })
  expect(status.out).toContain('No loop is applied')
  expect(JSON.parse(lists.out)).toEqual({ loops: [] })
})

test('data validate checks a file here: exit code 1 when a critical expectation fails, a clear error for a wrong file', async () => {
  writeFileSync(join(folder, 'bad.csv'), 'time,amount,country,churned\n2026-01-01T00:00:00Z,5,de,true\n,6,fr,false\n')
  writeFileSync(join(folder, 'ragged.csv'), 'time,amount,country,churned\n2026-01-01T00:00:00Z,5\n')
  const [bad, ragged] = await Promise.all(['bad.csv', 'ragged.csv'].map((file) => trueloop(['data', 'validate', file])))
  expect(bad).toMatchObject({ code: 1 })
  expect(bad?.out).toContain('time is not null: 1 of 2 rows fail (50 %)')
  expect(ragged?.code).toBe(1)
  expect(ragged?.err).toMatch(/^error .+ragged\.csv.+\n$/mv)
})

test('Ctrl-C ends a command that follows with exit code 130', async () => {
  const child = start(['logs', '--follow'])
  await once(child.stdout, 'data') // It follows.
  child.kill('SIGINT')
  expect(await once(child, 'close')).toEqual([130, null])
})

test('down ends what runs, and again there is nothing to end', async () => {
  const first = await trueloop(['down', '--json'])
  expect(JSON.parse(first.out)).toEqual({ home, ended: ['supervisor', 'gateway', 'server'] })
  const second = await trueloop(['down'])
  expect(second).toMatchObject({ code: 0, out: `Nothing runs in ${home}.\n` })
  const status = await trueloop(['status'])
  expect(status).toMatchObject({ code: 1, out: '' })
  expect(status.err).toContain('trueloop up --detach')
})
