// trueloop demo: the whole loop on three million real flights, from January's model to an endpoint that renews itself.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { styleText } from 'node:util'
import { z } from 'zod'
import { childEnvironment, loadConfig, type Config } from '../app/config.ts'
import { packageFile } from '../app/entries.ts'
import { findRuntime } from '../app/home.ts'
import { endHome } from '../app/supervisor.ts'
import { createClient, pathOf, type Client } from '../client/http-client.ts'
import { evaluateLoopFile } from '../loop/evaluate-file.ts'
import { Signature } from '../models/signature.ts'
import { DomainError } from '../platform/errors.ts'
import { monotonicMs } from '../platform/clock.ts'
import { readFlightDays, dayLengthMs, type FlightDay } from './demo/flight-days.ts'
import { watchLoop, type Decision, type LoopWatch } from './demo/loop-watch.ts'
import { treeMemoryBytes } from './demo/memory.ts'
import { plannedFailures, type PlannedFailure } from './demo/failure-plan.ts'
import { createScoreboard, type Scoreboard } from './demo/scoreboard.ts'
import { liveThrough, openFirstModel, settle, type Outcome, type Story } from './demo/story.ts'
import { renderFates } from './demo/fates.ts'
import { openTraffic } from './demo/traffic.ts'
import { untilServed } from './gateway/until-served.ts'
import type { Session } from './session.ts'
import type { Terminal } from './terminal.ts'
import { detach } from './up.ts'

const loopFile = join(dirname(packageFile), 'examples', 'flights', 'loop.ts')
const dataName = join('vega-datasets', 'data', 'flights-3m.parquet')
const replay = { from: '2001-02-01', to: '2001-07-01', oneIn: 10 }
const memoryEveryDays = 5
const serveLimitMs = 60_000

export async function demo({ config, terminal }: Session, options: { keep?: boolean }): Promise<void> {
  const file = findData()
  const home = await mkdtemp(join(tmpdir(), 'trueloop-demo-'))
  const own = loadConfig({
    ...childEnvironment(config),
    TRUELOOP_HOME: home,
    TRUELOOP_DATABASE: undefined,
    TRUELOOP_BLOBS: undefined,
    TRUELOOP_PORT: '0',
    TRUELOOP_GATEWAY_PORT: '0',
  })
  const isCleanedUp = options.keep ?? false
  const interrupted = new AbortController()
  const onSignal = (): void => interrupted.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    await Promise.race([play({ config: own, terminal, file }), aborted(interrupted.signal)])
    if (isCleanedUp)
      terminal.say(
        `\nIt goes on running. Look around:\n  TRUELOOP_HOME=${home} npx trueloop status\n  TRUELOOP_HOME=${home} npx trueloop loop history flights\n  TRUELOOP_HOME=${home} npx trueloop down`,
      )
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    process.exitCode = 130
    terminal.say('\nInterrupted.')
  } finally {
    if (!isCleanedUp || interrupted.signal.aborted) {
      await endHome(home)
      await rm(home, { recursive: true, force: true })
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true }),
  )
}

/** The flights, from the folder where the command runs upwards, or from beside this package. @throws DomainError demo_data_missing */
function findData(): string {
  for (const start of [process.cwd(), dirname(packageFile)]) {
    for (let folder = start; ; folder = dirname(folder)) {
      const file = join(folder, 'node_modules', dataName)
      if (existsSync(file)) return file
      if (folder === dirname(folder)) break
    }
  }
  throw new DomainError(
    'not_found',
    'demo_data_missing',
    'the demo needs its data, the npm package vega-datasets: run "npm install --save-dev vega-datasets", then again',
  )
}

interface Stage {
  readonly config: Config
  readonly terminal: Terminal
  readonly file: string
}

async function play({ config, terminal, file }: Stage): Promise<void> {
  const startedMs = monotonicMs()
  const { url, gatewayUrl } = await detach(config)
  terminal.say(`Trueloop is up in ${config.home} (control plane ${url}, gateway ${gatewayUrl}).`)
  const client = createClient({ url })
  const spec = await evaluateLoopFile({ path: loopFile })
  const source = { kind: 'file', paths: [file], format: 'parquet' }
  await client.call({
    method: 'POST',
    path: '/loops/apply',
    body: { spec: { ...spec, dataset: { ...spec.dataset, source } } },
    answer: z.unknown(),
  })
  const watch = watchLoop(client, spec.name)
  const decisions: Decision[] = []
  const onDecision = (decision: Decision): void => {
    decisions.push(decision)
    tell(terminal, decision)
  }
  const endpoint = spec.endpoint.name
  await begin({ terminal, gatewayUrl, endpoint, watch, onDecision })
  const memory = { peakBytes: 0 }
  const scoreboard = await replayMonths(
    { config, terminal, file },
    { client, gatewayUrl, watch, onDecision, endpoint, loop: spec.name, memory },
  )
  await conclude({
    terminal,
    client,
    endpoint,
    scoreboard,
    decisions,
    seconds: (monotonicMs() - startedMs) / 1000,
    memory,
  })
}

interface Beginning {
  readonly terminal: Terminal
  readonly gatewayUrl: string
  readonly endpoint: string
  readonly watch: LoopWatch
  readonly onDecision: (decision: Decision) => void
}

/** Ingest, the first model, its gate, until the gateway serves it. */
async function begin({ terminal, gatewayUrl, endpoint, watch, onDecision }: Beginning): Promise<void> {
  const progress = terminal.progress('January')
  const tellNews = async (): Promise<void> => (await watch.news()).forEach(onDecision)
  const live = await watch.until(
    ({ champion, phase, attempt }) => champion !== null || (phase === 'waiting_for_data' && attempt === null),
    async () => {
      await tellNews()
      const step = await watch.progress()
      if (step) progress.update(step.fraction, step.text)
    },
  )
  await tellNews()
  if (live.champion === null)
    throw new DomainError('conflict', 'demo_no_model', 'the first model did not go live; the lines above say why')
  if (!(await untilServed({ gatewayUrl, endpoint, version: live.champion, limitMs: serveLimitMs })))
    throw new DomainError('unavailable', 'demo_stuck', `the gateway does not serve ${live.champion}: its log says why`)
  progress.done(`${live.champion} is live`)
}

interface Replay {
  readonly client: Client
  readonly gatewayUrl: string
  readonly endpoint: string
  readonly loop: string
  readonly watch: LoopWatch
  readonly memory: { peakBytes: number }
  readonly onDecision: (decision: Decision) => void
}

async function replayMonths(
  { config, terminal, file }: Stage,
  { client, gatewayUrl, endpoint, loop, watch, memory, onDecision }: Replay,
): Promise<Scoreboard> {
  const days = await readFlightDays({ file, ...replay, tempDirectory: config.home })
  const traffic = openTraffic(gatewayUrl, endpoint)
  const scoreboard = createScoreboard()
  const progress = terminal.progress('replay')
  const { champion } = await watch.view()
  const begun = await modelVersion(client, champion ?? '')
  const first = await openFirstModel(begun.onnx, begun.signature)
  const story: Story = { client, traffic, watch, scoreboard, first, progress, onDecision }
  const failures = plannedFailures({
    client,
    file,
    tempDirectory: config.home,
    loop,
    championOnnx: async () => (await modelVersion(client, (await watch.view()).champion ?? '')).onnx,
  })
  let outcomes: Outcome[] = []
  for (const [index, day] of days.entries()) {
    progress.update(
      index / days.length,
      `${new Date(day.dayMs).toISOString().slice(0, 10)}, ${day.flights.length} flights`,
    )
    outcomes = await liveThrough(story, day, outcomes)
    await failWhenDue(story, failures, day)
    if (index % memoryEveryDays === 0) measureMemory(config, memory)
  }
  await settle(story)
  traffic.close()
  progress.done(`${days.length} days`)
  return scoreboard
}

/** Begins the next planned failure once its day has come and the loop has its hands free. */
async function failWhenDue(
  { watch, onDecision, progress }: Story,
  failures: PlannedFailure[],
  day: FlightDay,
): Promise<void> {
  const [next] = failures
  if (!next || day.dayMs < next.fromMs) return
  const { phase } = await watch.view()
  if (phase !== 'watching' && phase !== 'cooling_down') return
  failures.shift()
  await next.begin({ nowMs: day.dayMs + dayLengthMs })
  await settle({ watch, progress, onDecision })
}

const VersionView = z.object({ digest: z.string(), signature: Signature })

async function modelVersion(client: Client, version: string): Promise<{ onnx: Uint8Array; signature: Signature }> {
  const [model = '', number = ''] = version.split('/')
  const { digest, signature } = await client.call({
    path: pathOf`/models/${model}/versions/${number}`,
    answer: VersionView,
  })
  const response = await fetch(new URL(`/api/blobs/${digest}`, client.url))
  if (!response.ok) throw new Error(`the graph of ${version} cannot be read: ${response.status}`)
  return { onnx: new Uint8Array(await response.arrayBuffer()), signature }
}

function measureMemory({ home }: Config, memory: { peakBytes: number }): void {
  const supervisor = findRuntime(home, 'supervisor')?.process.pid
  // Steps live in sessions of their own, below the control plane all the same until it is started again.
  const bytes = treeMemoryBytes(supervisor ? [supervisor, process.pid] : [process.pid])
  memory.peakBytes = Math.max(memory.peakBytes, bytes ?? 0)
}

const dateOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10)

function tell(terminal: Terminal, { atMs, kind, sentence }: Decision): void {
  const line = `${styleText('dim', dateOf(atMs))} ${styleText('bold', kind.replaceAll('_', ' ').padEnd(17))} ${sentence}`
  if (terminal.isInteractive) process.stderr.write('\r\u001b[2K')
  terminal.say(line)
}

interface Ending {
  readonly terminal: Terminal
  readonly client: Client
  readonly endpoint: string
  readonly scoreboard: Scoreboard
  readonly decisions: readonly Decision[]
  readonly seconds: number
  readonly memory: { peakBytes: number }
}

const Days = z.object({ predictionsDropped: z.int() })

async function conclude(ending: Ending): Promise<void> {
  const { terminal, client, endpoint, scoreboard, decisions, seconds, memory } = ending
  const totals = scoreboard.totals()
  const fates = await renderFates(client, 'flights')
  const { predictionsDropped } = await client.call({ path: pathOf`/endpoints/${endpoint}/days`, answer: Days })
  const megabytes = Math.round(memory.peakBytes / 1e6)
  const text = [
    '',
    styleText(
      'bold',
      'By month: what ran, and in (first) what the first model alone would have done on the same flights',
    ),
    scoreboard.render(),
    '',
    styleText('bold', 'The versions'),
    fates,
    '',
    `${totals.days} days, ${totals.requests.toLocaleString('en')} requests, ${totals.unanswered} without an answer, ${predictionsDropped} not logged; p50 ${totals.p50Ms.toFixed(1)} ms, p99 ${totals.p99Ms.toFixed(1)} ms.`,
    `${Math.round(seconds)} seconds; at most ${megabytes > 0 ? `${megabytes} MB` : 'an unknown amount'} of memory in all processes (summed PSS).`,
    '',
    'Next: "npm run demo -- --keep" leaves it running for a look around; "npx trueloop init" begins a loop of your own.',
  ].join('\n')
  terminal.show({ totals, predictionsDropped, decisions, seconds, peakMemoryBytes: memory.peakBytes }, () => text)
}
