// What a newcomer gets: the packed tarball in an empty folder with npm's default settings, and the loop that `trueloop init` wrote.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createGenerator } from '../../src/statistics/random.ts'
import { processesOf } from '../journeys/harness.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const dayMs = 86_400_000
const historyDays = 42
const rowsADay = 200
const installMs = 600_000
const outputBytesMax = 16 * 1024 * 1024

let folder: string
let project: string

/** As in a shell of one's own: nothing of the npm that runs these tests, and the wanted Node first. */
function environment(nodeFolder: string): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined &&
      !/^(?:npm_|TRUELOOP_|NODE_ENV|NODE_OPTIONS|NODE_PATH|VITEST)/v.test(entry[0]) &&
      entry[0] !== 'INIT_CWD',
  )
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((part) => !part.includes('node_modules'))
  // npm's own defaults, whatever this machine's user has set.
  return {
    ...Object.fromEntries(inherited),
    npm_config_userconfig: '/dev/null',
    PATH: [nodeFolder, ...path].join(delimiter),
  }
}

interface Output {
  readonly stdout: string
  readonly stderr: string
}

const inProject = (command: string, ...args: string[]): Promise<Output> =>
  run(command, args, { cwd: project, env: environment(dirname(process.execPath)), maxBuffer: outputBytesMax })

async function trueloop<T>(answer: z.ZodType<T>, ...args: string[]): Promise<T> {
  const { stdout } = await inProject('npx', 'trueloop', ...args, '--json')
  return answer.parse(JSON.parse(stdout))
}

/** What the loop of `trueloop init` reads: who spends little in some countries leaves. */
function events(): string {
  const generator = createGenerator('packed')
  const today = Math.floor(Date.now() / dayMs)
  const lines = ['time,amount,country,churned']
  for (let day = today - historyDays; day < today; day++) {
    for (let at = 0; at < rowsADay; at++) {
      const amount = Math.round(generator.uniform() * 20_000) / 100
      const country = ['AT', 'CH', 'DE'][generator.integer(3)]!
      const odds = (country === 'AT' ? 1 : -1) + (100 - amount) / 50
      const time = new Date(day * dayMs + Math.floor((at * dayMs) / rowsADay)).toISOString()
      lines.push(`${time},${amount},${country},${generator.uniform() < 1 / (1 + Math.exp(-odds))}`)
    }
  }
  return `${lines.join('\n')}\n`
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trueloop-packed-'))
  project = join(folder, 'project')
  await mkdir(project)
  const env = environment(dirname(process.execPath))
  const pack = ['pack', '--json', '--pack-destination', folder]
  const { stdout } = await run('npm', pack, { cwd: root, env, maxBuffer: outputBytesMax })
  // The build that prepack runs may speak first.
  const packed = /"filename":\s*"(?<name>[^"]+)"/v.exec(stdout)?.groups?.['name']
  expect(packed, stdout).toBeTruthy()
  await inProject('npm', 'init', '-y')
  await inProject('npm', 'install', join(folder, packed!))
}, installMs)

afterAll(async () => {
  await inProject('npx', 'trueloop', 'down').catch(() => undefined)
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}, 60_000)

test('the packed program goes from init to an answered prediction, and ends without a trace', async () => {
  const init = await inProject('npx', 'trueloop', 'init')
  expect(init.stdout).toMatch(/Wrote loop\.ts/v)
  await mkdir(join(project, 'data'))
  await writeFile(join(project, 'data', 'events.csv'), events())
  await trueloop(z.unknown(), 'up', '--detach', '--port', '0')
  const { changes } = await trueloop(
    z.object({ changes: z.array(z.object({ action: z.string(), address: z.string() })) }),
    'plan',
  )
  expect(changes).toContainEqual({ action: 'create', address: 'loop.churn' })
  const apply = await inProject('npx', 'trueloop', 'apply', '--wait')
  expect(apply.stdout + apply.stderr).toMatch(/churn\/1/v)
  const status = await inProject('npx', 'trueloop', 'status')
  expect(status.stdout).toMatch(/churn\/1/v)
  const row = JSON.stringify({ time: new Date().toISOString(), amount: 3, country: 'AT' })
  const answer = z.array(z.object({ predictionId: z.string(), version: z.string(), prediction: z.string() }))
  const predicted = await trueloop(
    z.union([answer, z.object({ predictions: answer })]),
    'predict',
    'churn',
    '--row',
    row,
  )
  const [first] = Array.isArray(predicted) ? predicted : predicted.predictions
  expect(first).toMatchObject({ version: 'churn/1' })
  const home = join(project, '.trueloop')
  expect(processesOf(home).length).toBeGreaterThan(0)
  const down = await inProject('npx', 'trueloop', 'down')
  expect(down.stdout).toMatch(/supervisor/v)
  expect(processesOf(home)).toEqual([])
})

test('an older Node is told which one to take, and that works', async (context) => {
  const older = '/usr/bin/node'
  const found = await run(older, ['--version']).catch(() => undefined)
  if (!found || Number(/^v(?<major>\d+)/v.exec(found.stdout)?.groups?.['major']) >= 24)
    return context.skip('no older Node at /usr/bin/node here: install one to have this tested')
  const env = environment(dirname(older))
  const bin = join(project, 'node_modules', 'trueloop', 'bin', 'trueloop.cjs')
  const refusal = await run(older, [bin, 'predict', 'churn', '--row', '{"amount": 3}'], { cwd: project, env }).then(
    () => undefined,
    (error: unknown) => error as Output,
  )
  expect(refusal?.stderr).toMatch(/needs Node 24\.12 or newer; this is Node \d+/v)
  // What it says is given to a shell as it is.
  const advice = /^ +(?<command>npx .*trueloop.*)$/mv.exec(refusal!.stderr)?.groups?.['command']
  expect(advice).toContain(`predict churn --row '{"amount": 3}'`)
  const followed = await run('sh', ['-c', advice!], { cwd: project, env }).catch((error: unknown) => error as Output)
  expect(followed.stderr).toMatch(/no gateway runs in .*project\/\.trueloop/v)
})
