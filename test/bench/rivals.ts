// Models of scikit-learn over HTTP: the gateway beside the servers that a team would pick instead, and beside a plain loop; same models, same
// number of workers, in turn.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { newestVenv } from '../interop/mlflow/environments.ts'
import { assertClose, megabytes, medianOf, times, type Bench, type BenchOptions, type Section } from './bench.ts'
import type { LoadBody, LoadResult } from './load.ts'
import { answerOf, cpuSumOf, memoryOf, nodeAnswer, settled } from './processes.ts'
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

/** Rows of a request, and how often it is measured. */
interface Case {
  readonly rows: number
  readonly atHalf: boolean
}
const cases: readonly Case[] = [
  { rows: 1, atHalf: true },
  { rows: 100, atHalf: false },
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
        rows.push(...(await compare({ ...options, rounds, directory, size }, { model, rivals, each })))
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

/** Of the rows that the load will send. Trees in float32 may take another branch than scikit-learn's in float64 where a threshold is as near. */
async function assertItsAnswers(rival: Rival, { name, rows, probabilities }: TrainedModel): Promise<void> {
  const { path, headers, base64 } = rival.body(rows)
  const response = await fetch(rival.url + path, { method: 'POST', headers, body: Buffer.from(base64, 'base64') })
  if (!response.ok) throw new Error(`${rival.name} does not serve ${name}: ${await response.text()}`)
  const found = rival.read(await response.json())
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
    await loadOnce(rival, { bodies: bodiesOf(rival, model, { rows: each.rows, count: size.bodies }), directory, size })
  for (let round = 1; round <= rounds; round++) {
    for (const [rival, results] of found) {
      const bodies = bodiesOf(rival, model, { rows: each.rows, count: size.bodies })
      const full = await loadOnce(rival, { bodies, directory, size })
      const half = each.atHalf
        ? await loadOnce(rival, { bodies, directory, size, rate: perSecond(full) / 2 })
        : undefined
      results.push({ full, half })
      say(`${model.name}, ${each.rows} rows, ${rival.name}, round ${round}: ${perSecond(full).toFixed(0)} requests/s`)
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
      `${model.name}, ${each.rows} ${each.rows === 1 ? 'row' : 'rows'}: ${rival.name}`,
      Math.round(rateOf(rival)).toLocaleString('en'),
      time(({ p50 }) => p50),
      time(({ p99 }) => p99),
      `${medianOf(results, ({ full }) => full.micros).toFixed(0)} us`,
      megabytes(medianOf(results, ({ full }) => full.bytes)),
      rival === rivals[0] ? '' : times(ours / rateOf(rival)),
    ]
  })
}

const reloadEveryMs = 500
/** Requests that wait at once when three times more come than can be answered. */
const crowd = 1024

/** Ours alone: its times while the version changes again and again, and what it answers of three times what it can. */
async function underStress(
  { rounds, directory, size, say }: Pick<BenchOptions, 'rounds' | 'say'> & { directory: string; size: Sizes },
  { model, ours }: { model: TrainedModel; ours: OwnGateway },
): Promise<string[][]> {
  const bodies = bodiesOf(ours, model, { rows: 1, count: size.bodies })
  const calm: Round[] = []
  const changing: Round[] = []
  const shares: number[] = []
  for (let round = 1; round <= rounds; round++) {
    const peak = perSecond(await loadOnce(ours, { bodies, directory, size }))
    calm.push(await loadOnce(ours, { bodies, directory, size, rate: peak / 2 }))
    const reloading = setInterval(() => void ours.reload(), reloadEveryMs)
    changing.push(
      await loadOnce(ours, { bodies, directory, size, rate: peak / 2 }).finally(() => clearInterval(reloading)),
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
    row('another version every half second', ['', times50(changing), times99(changing), '', '', '']),
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

function bodiesOf(rival: Rival, { rows }: TrainedModel, of: { rows: number; count: number }): LoadBody[] {
  return Array.from({ length: of.count }, (_, at) =>
    rival.body(Array.from({ length: of.rows }, (_row, row) => rows[(at * of.rows + row) % rows.length]!)),
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
  const result = await nodeAnswer<LoadResult>(join(import.meta.dirname, 'load.ts'), args.map(String))
  if (result.failures > 0 && !load.mayRefuse)
    throw new Error(`${rival.name}: ${result.failures} of ${result.total} requests failed`)
  const bytes = rival.processes().reduce((sum, pid) => sum + memoryOf(pid).proportionalBytes, 0)
  await settled(used)
  return { ...result, micros: ((used() - before) * 1000) / result.total, bytes }
}

function sectionOf(rows: readonly string[][]): Omit<Section, 'rounds'> {
  return {
    title: 'Models of scikit-learn over HTTP, beside other servers',
    about: `The same three classifiers of ten numbers behind each server: a logistic regression and forests of 100 and 1,000 trees, as ONNX where the server takes it (Trueloop, the plain loop, FastAPI, BentoML) and as scikit-learn's own objects where it does not. ${workers} workers each, JSON, ${connections} kept connections from a load generator on the same cores.`,
    head: ['', 'requests/s', 'p50 at half', 'p99 at half', 'CPU a request', 'memory', 'Trueloop to it'],
    rows,
    notes: [
      'Every server is asserted to give scikit-learn’s own probabilities (1e-5; where float32 and float64 part at a threshold of a tree, at most 1 % of them may differ), and no request may fail.',
      '"At half" is half of the rate that the server itself reached, sent on time whether earlier ones were answered or not; times count from when a request was due.',
      '"Answered of three times its peak": 1,024 connections, three times the rate of the saturation above, against what is answered at that rate itself; the rest waits or is refused with 503.',
      'CPU is user and system time of all processes of a server, for Trueloop the control plane’s included, which stores every prediction meanwhile. Memory is the sum of their proportional sets under load.',
    ],
  }
}
