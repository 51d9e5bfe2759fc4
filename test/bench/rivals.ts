// Models of scikit-learn over HTTP: the gateway beside the servers that a team would pick instead, and beside a plain loop; same models, same
// number of workers, in turn.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { newestVenv } from '../interop/mlflow/environments.ts'
import { assertClose, megabytes, medianOf, times, type Bench, type BenchOptions, type Section } from './bench.ts'
import type { LoadBody, LoadResult } from './load.ts'
import { answerOf, cpuSumOf, memorySumOf, nodeAnswer, settled } from './processes.ts'
import {
  startBentoml,
  startFastapi,
  startMlflow,
  startMlserver,
  type Rival,
  type TrainedModel,
} from './rivals/contenders.ts'
import { startGateway, startPlain, type OwnGateway } from './rivals/ours.ts'

const connections = 32
const workers = Math.min(2, availableParallelism())
const roundsMax = 3
const sizes = {
  full: { models: 3, trees: 1000, warmUpMs: 1_000, measuredMs: 4_000, bodies: 64 },
  smoke: { models: 1, trees: 20, warmUpMs: 200, measuredMs: 300, bodies: 8 },
}
type Sizes = (typeof sizes)['full']

/** What a request is, and how often it is measured. */
interface Case {
  readonly rows: number
  readonly form: Form
  readonly atHalf: boolean
}
type Form = 'JSON' | 'binary'
const cases: readonly Case[] = [
  { rows: 1, form: 'JSON', atHalf: true },
  { rows: 1, form: 'binary', atHalf: false },
  { rows: 100, form: 'JSON', atHalf: false },
  { rows: 100, form: 'binary', atHalf: false },
]

export const rivalsBench: Bench = async (options) => {
  const size = sizes[options.isSmoke ? 'smoke' : 'full']
  const rounds = Math.min(options.rounds, roundsMax)
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-bench-rivals-'))
  try {
    const rows: string[][] = []
    for (const model of await trainedModels(directory, size)) {
      await using stack = new AsyncDisposableStack()
      const ours = stack.use(await startGateway(model, workers))
      const rivals: Rival[] = [ours]
      // The smoke run leaves out those whose environments take minutes to install.
      const slowToInstall = options.isSmoke ? [] : [startBentoml, startMlserver, startMlflow]
      for (const start of [startPlain, startFastapi, ...slowToInstall]) {
        rivals.push(stack.use(await start(model, workers)))
      }
      for (const rival of rivals) await assertItsAnswers(rival, model)
      for (const each of cases) {
        const able = rivals.filter(({ binary }) => each.form === 'JSON' || binary)
        rows.push(...(await compare({ ...options, rounds, directory, size }, { model, rivals: able, each })))
      }
      rows.push(...(await underStress({ rounds, directory, size, say: options.say }, { model, ours })))
    }
    return { ...sectionOf(rows), rounds }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function trainedModels(directory: string, { models, trees }: Sizes): Promise<TrainedModel[]> {
  const { python } = await newestVenv()
  const script = join(import.meta.dirname, 'rivals', 'train.py')
  const names = await answerOf<string[]>(python, [script, directory, String(trees)])
  return Promise.all(
    names.slice(0, models).map(async (name) => {
      const told = JSON.parse(await readFile(join(directory, `${name}.json`), 'utf8')) as Omit<TrainedModel, 'name'>
      return { ...told, name, directory }
    }),
  )
}

/** Of the rows that the load will send, in each of its forms. Trees in float32 may take another branch than scikit-learn's in float64 where a threshold is as near. */
async function assertItsAnswers(rival: Rival, model: TrainedModel): Promise<void> {
  const { binary } = rival
  assertSame(rival, model, rival.read(await (await answerTo(rival, rival.body(model.rows))).json()))
  if (!binary) return
  const response = await answerTo(rival, binary.body(model.rows))
  assertSame(rival, model, binary.read(new Uint8Array(await response.arrayBuffer()), response.headers))
}

async function answerTo(rival: Rival, { path, headers, base64 }: LoadBody): Promise<Response> {
  const response = await fetch(rival.url + path, { method: 'POST', headers, body: Buffer.from(base64, 'base64') })
  if (response.ok) return response
  throw new Error(`${rival.name} does not answer ${path}: ${await response.text()}`)
}

function assertSame(rival: Rival, { name, probabilities }: TrainedModel, found: readonly number[]): void {
  const expected = probabilities.flat()
  if (found.length !== expected.length) throw new Error(`${rival.name} gave ${found.length} numbers for ${name}`)
  const far = found.filter((value, at) => !(Math.abs(value - expected[at]!) <= 1e-5)).length
  if (far > 0.01 * expected.length) {
    const at = found.findIndex((value, index) => !(Math.abs(value - expected[index]!) <= 1e-5))
    assertClose(`${far} answers of ${rival.name} for ${name}, the first`, [found[at]!, expected[at]!], 1e-5)
  }
}

interface Round extends LoadResult {
  readonly micros: number
  readonly bytes: number
}

interface Comparison {
  readonly model: TrainedModel
  readonly rivals: readonly Rival[]
  readonly each: Case
}

async function compare(
  { rounds, say, directory, size }: BenchOptions & { directory: string; size: Sizes },
  { model, rivals, each }: Comparison,
): Promise<string[][]> {
  const found = new Map<Rival, { full: Round; half: Round | undefined }[]>(rivals.map((rival) => [rival, []]))
  // Once for nothing, so that each has compiled what it runs.
  for (const rival of rivals)
    await loadOnce(rival, { bodies: bodiesOf(rival, model, { ...each, count: size.bodies }), directory, size })
  for (let round = 1; round <= rounds; round++) {
    for (const [rival, results] of found) {
      const bodies = bodiesOf(rival, model, { ...each, count: size.bodies })
      const full = await loadOnce(rival, { bodies, directory, size })
      const half = each.atHalf
        ? await loadOnce(rival, { bodies, directory, size, rate: perSecond(full) / 2 })
        : undefined
      results.push({ full, half })
      say(
        `${model.name}, ${each.rows} rows, ${each.form}, ${rival.name}, round ${round}: ${perSecond(full).toFixed(0)} requests/s`,
      )
    }
  }
  const rateOf = (rival: Rival): number => medianOf(found.get(rival)!, ({ full }) => perSecond(full))
  const ours = rateOf(rivals[0]!)
  return rivals.map((rival) => {
    const results = found.get(rival)!
    const halves = results.flatMap(({ half }) => half ?? [])
    const time = (pick: (round: Round) => number): string =>
      halves.length > 0 ? `${medianOf(halves, pick).toFixed(2)} ms` : ''
    return [
      `${model.name}, ${each.rows} ${each.rows === 1 ? 'row' : 'rows'}, ${each.form}: ${rival.name}`,
      Math.round(rateOf(rival)).toLocaleString('en'),
      time(({ p50 }) => p50),
      time(({ p99 }) => p99),
      `${medianOf(results, ({ full }) => full.micros).toFixed(0)} us`,
      megabytes(medianOf(results, ({ full }) => full.bytes)),
      rival === rivals[0] ? '' : times(ours / rateOf(rival)),
    ]
  })
}

const reloadEveryMs = 1000
/** Requests that wait at once when three times more come than can be answered. */
const crowd = 1024

/** Ours alone: its times while the version changes again and again, and what it answers of three times what it can. */
async function underStress(
  { rounds, directory, size, say }: Pick<BenchOptions, 'rounds' | 'say'> & { directory: string; size: Sizes },
  { model, ours }: { model: TrainedModel; ours: OwnGateway },
): Promise<string[][]> {
  const bodies = bodiesOf(ours, model, { rows: 1, form: 'JSON', count: size.bodies })
  const calm: Round[] = []
  const changing: Round[] = []
  const shares: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const peak = perSecond(await loadOnce(ours, { bodies, directory, size }))
    calm.push(await loadOnce(ours, { bodies, directory, size, rate: peak / 2 }))
    changing.push(
      await loadOnce(ours, {
        bodies,
        directory,
        size,
        rate: peak / 2,
        meanwhile: () => every(reloadEveryMs, ours.reload),
      }),
    )
    const most = { bodies, directory, size, connections: crowd, mayRefuse: true }
    const highest = perSecond(await loadOnce(ours, { ...most, rate: peak }))
    shares.push(perSecond(await loadOnce(ours, { ...most, rate: peak * 3 })) / highest)
    say(`${model.name}, under stress, round ${round}: goodput ${shares.at(-1)!.toFixed(2)} of the peak`)
  }
  const times99 = (of: readonly Round[]): string => `${medianOf(of, ({ p99 }) => p99).toFixed(2)} ms`
  const times50 = (of: readonly Round[]): string => `${medianOf(of, ({ p50 }) => p50).toFixed(2)} ms`
  const row = (what: string, cells: readonly string[]): string[] => [
    `${model.name}, 1 row: Trueloop, ${what}`,
    ...cells,
  ]
  return [
    row('no change', ['', times50(calm), times99(calm), '', '', '']),
    row('another version every second', ['', times50(changing), times99(changing), '', '', '']),
    row('answered of three times its peak', [
      `${(medianOf(shares, (share) => share) * 100).toFixed(0)} %`,
      '',
      '',
      '',
      '',
      '',
    ]),
  ]
}

const perSecond = ({ answered, measuredMs }: LoadResult): number => (answered * 1000) / measuredMs

function bodiesOf(rival: Rival, { rows }: TrainedModel, of: { rows: number; form: Form; count: number }): LoadBody[] {
  const { body } = of.form === 'JSON' ? rival : rival.binary!
  return Array.from({ length: of.count }, (_, at) =>
    body(Array.from({ length: of.rows }, (_row, row) => rows[(at * of.rows + row) % rows.length]!)),
  )
}

interface Load {
  readonly bodies: readonly LoadBody[]
  readonly directory: string
  readonly size: Sizes
  /** Requests a second; absent: as many as are answered. */
  readonly rate?: number
  readonly connections?: number
  /** Refusals are counted instead of being an error. */
  readonly mayRefuse?: boolean
  /** Is begun with the load and ended with it. */
  readonly meanwhile?: () => AsyncDisposable
}

/** One after the other, so many milliseconds apart. */
function every(ms: number, work: () => Promise<void>): AsyncDisposable {
  const stop = new AbortController()
  const working = (async () => {
    while (!stop.signal.aborted) {
      await work()
      await wait(ms, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await working
    },
  }
}

async function loadOnce(rival: Rival, load: Load): Promise<Round> {
  const { bodies, directory, size, rate } = load
  const file = join(directory, 'bodies.json')
  await writeFile(file, JSON.stringify(bodies))
  const processes = rival.processes()
  const used = cpuSumOf(processes)
  const before = used()
  const args = [
    rival.url,
    load.connections ?? connections,
    size.warmUpMs,
    size.measuredMs,
    file,
    ...(rate ? [rate] : []),
  ]
  const result = await (async () => {
    await using _ = load.meanwhile?.()
    return await nodeAnswer<LoadResult>(join(import.meta.dirname, 'load.ts'), args.map(String))
  })()
  if (result.failures > 0 && !load.mayRefuse)
    throw new Error(`${rival.name}: ${result.failures} of ${result.total} requests failed`)
  const bytes = memorySumOf(rival.processes())
  await settled(used)
  return { ...result, micros: ((used() - before) * 1000) / result.total, bytes }
}

function sectionOf(rows: readonly string[][]): Omit<Section, 'rounds'> {
  return {
    title: 'Models of scikit-learn over HTTP, beside other servers',
    about: `The same three classifiers of ten numbers behind each server: a logistic regression and forests of 100 and 1,000 trees, as ONNX where the server takes it (Trueloop, the plain loop, FastAPI, BentoML) and as scikit-learn's own objects where it does not. ${workers} workers each, ${connections} kept connections from a load generator on the same cores.`,
    head: ['', 'requests/s', 'p50 at half', 'p99 at half', 'CPU a request', 'memory', 'Trueloop to it'],
    rows,
    notes: [
      'JSON: the Open Inference Protocol, or each server’s own. Binary: the tensors of Triton’s extension for Trueloop, nothing but the numbers as float32 for the plain loop and FastAPI; the others take none, or not as their documentation starts them.',
      'Every server is asserted to give scikit-learn’s own probabilities (1e-5; where float32 and float64 part at a threshold of a tree, at most 1 % of them may differ), and no request may fail.',
      '"At half" is half of the rate that the server itself reached, sent on time whether earlier ones were answered or not; times count from when a request was due.',
      '"Answered of three times its peak": 1,024 connections, three times the rate of the saturation above, against what is answered at that rate itself; the rest waits or is refused with 503.',
      'Connections are made one after the other: of many that come at once, one of several workers that share a socket may take all, and keep them.',
      'CPU is user and system time of all processes of a server, for Trueloop the control plane’s included, which stores every prediction meanwhile. Memory is the sum of their proportional sets under load.',
    ],
  }
}
