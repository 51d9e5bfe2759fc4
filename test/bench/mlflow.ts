// Trueloop beside stock `mlflow server`, as it is installed and with uvloop: the same requests over HTTP, in turn, on one database.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { stockVersion } from '../interop/mlflow/environments.ts'
import { startPostgres } from '../postgres.ts'
import {
  median,
  medianOf,
  megabytes,
  milliseconds,
  times,
  type Bench,
  type BenchOptions,
  type Section,
} from './bench.ts'
import type { LoadResult } from './load.ts'
import { openContenders, residentBytes, type Contender, type Sizes } from './mlflow-contenders.ts'
import {
  p95,
  searches,
  timeArtifact,
  timeChart,
  timeHistory,
  timeSearch,
  type SearchTimes,
  type Transfer,
} from './mlflow-reads.ts'
import { writeLoads, type WriteLoad } from './mlflow-writes.ts'
import { nodeAnswer } from './processes.ts'

interface Scale extends Sizes {
  readonly warmUpMs: number
  readonly measuredMs: number
  readonly fileMegabytes: number
  /** Of each of our searches; stock's are fewer, since one of them takes minutes. */
  readonly searches: number
  readonly stockSearches: number
}

const full: Scale = {
  runs: 100_000,
  points: 1_000_000,
  warmUpMs: 300,
  measuredMs: 2_000,
  fileMegabytes: 100,
  searches: 40,
  stockSearches: 3,
}
const smoke: Scale = {
  runs: 300,
  points: 3_000,
  warmUpMs: 50,
  measuredMs: 300,
  fileMegabytes: 4,
  searches: 3,
  stockSearches: 1,
}
/** More rounds would say no more and take half an hour. */
const roundsMax = 3
/** Of a search, after which stock is not asked again. */
const slowMs = 10_000

export const mlflowBench: Bench = (options) => benchOn(undefined, options)

export const mlflowPostgresBench: Bench = async (options) => {
  await using postgres = await startPostgres({ isDurable: true })
  return await benchOn(postgres, options)
}

async function benchOn(
  postgres: Parameters<typeof openContenders>[0],
  { isSmoke, rounds, say }: BenchOptions,
): Promise<Section> {
  const scale = isSmoke ? smoke : full
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-bench-mlflow-'))
  try {
    say('filling')
    await using opened = await openContenders(postgres, isSmoke ? scale : { ...scale, entry: await publishedServer() })
    const { contenders } = opened
    const idle = contenders.map(({ server }) => residentBytes(server))
    const rows: string[][] = []
    for (const load of writeLoads) {
      const row = await writeRow(contenders, load, { scale, directory, rounds: Math.min(rounds, roundsMax) })
      say(row.join(' | '))
      rows.push(row)
    }
    const { rows: searchRows, peakBytes } = await searchTable(contenders, scale, say)
    rows.push(...searchRows, ...(await otherReads(contenders, scale)))
    const memory = (name: string, bytes: readonly number[]): string[] => [name, ...bytes.map(megabytes), '', '']
    rows.push(memory('resident, after the filling', idle))
    rows.push(['resident, most during the searches', megabytes(peakBytes[0]!), '', megabytes(peakBytes[1]!), '', ''])
    rows.push(
      memory(
        'resident, after all of this',
        contenders.map(({ server }) => residentBytes(server)),
      ),
    )
    return { ...sectionOf(rows, scale, postgres !== undefined), rounds: Math.min(rounds, roundsMax) }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** As users have it: without the compiler of the sources. */
async function publishedServer(): Promise<string> {
  const root = join(import.meta.dirname, '..', '..')
  await promisify(execFile)('npm', ['run', 'build'], { cwd: root })
  return join(root, 'build', 'dist', 'app', 'server.js')
}

async function writeRow(
  contenders: readonly Contender[],
  load: WriteLoad,
  { scale, directory, rounds }: { scale: Scale; directory: string; rounds: number },
): Promise<string[]> {
  const { warmUpMs, measuredMs } = scale
  const rates = contenders.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const file = join(directory, 'bodies.json')
      // As many as the fastest could take, so that none is sent twice: a point that is there already is less work.
      const most = Math.ceil(((warmUpMs + measuredMs) / 1000) * requestsPerSecondMax(load))
      await writeFile(file, JSON.stringify(await load.bodies(contender, load.bodiesOf(most))))
      const args = [contender.server.url + load.path, load.connections, warmUpMs, measuredMs, file].map(String)
      const result = await nodeAnswer<LoadResult>(join(import.meta.dirname, 'load.ts'), args)
      if (result.failures > 0)
        throw new Error(`${result.failures} requests of ${load.title} failed at ${contender.title}`)
      rates[index]!.push((result.requests * load.perRequest * 1000) / result.measuredMs)
    }
  }
  const [stock, uvloop, ours] = rates.map((each) => median(each)) as [number, number, number]
  const shown = [stock, uvloop, ours].map((rate) => `${Math.round(rate).toLocaleString('en')} ${load.unit}`)
  return [load.title, ...shown, times(ours / stock), times(ours / uvloop)]
}

const requestsPerSecondMax = ({ perRequest, unit }: WriteLoad): number =>
  unit === 'spans/s' ? 3_000 : Math.max(400, Math.min(5_000, 200_000 / perRequest))

async function searchTable(
  contenders: readonly Contender[],
  scale: Scale,
  say: BenchOptions['say'],
): Promise<{ rows: string[][]; peakBytes: readonly [number, number] }> {
  const rows: string[][] = []
  const peaks: [number, number] = [0, 0]
  const [stock, , trueloop] = contenders as [Contender, Contender, Contender]
  for (const search of searches) {
    const first = await timeSearch(stock, search, 1)
    const again = first.ms[0]! < slowMs ? await timeSearch(stock, search, scale.stockSearches) : first
    const ours = await timeSearch(trueloop, search, scale.searches)
    assertSameRuns(search.title, again, ours)
    peaks[0] = Math.max(peaks[0], first.peakBytes, again.peakBytes)
    peaks[1] = Math.max(peaks[1], ours.peakBytes)
    const [theirMs, ourMs] = [median(again.ms), median(ours.ms)]
    const row = [
      `search: ${search.title}`,
      milliseconds(theirMs),
      '',
      `${milliseconds(ourMs)} (p95 ${milliseconds(p95(ours.ms))})`,
      times(theirMs / ourMs),
      '',
    ]
    say(row.join(' | '))
    rows.push(row)
  }
  return { rows, peakBytes: peaks }
}

/** Ids of runs are the same on both sides. @throws Error where the pages are not */
function assertSameRuns(title: string, stock: SearchTimes, ours: SearchTimes): void {
  if (stock.runs.join() !== ours.runs.join())
    throw new Error(`"${title}" finds ${ours.runs.length} runs, and stock ${stock.runs.length} others`)
  if (ours.runs.length === 0) throw new Error(`"${title}" finds no run`)
}

async function otherReads(contenders: readonly Contender[], scale: Scale): Promise<string[][]> {
  const [stock, , trueloop] = contenders as [Contender, Contender, Contender]
  const points = scale.points.toLocaleString('en')
  const slower = (title: string, [theirs, ours]: readonly [number, number]): string[] => [
    title,
    milliseconds(theirs),
    '',
    milliseconds(ours),
    times(theirs / ours),
    '',
  ]
  const history = [await timeHistory(stock, scale.points), await timeHistory(trueloop, scale.points)] as const
  const charts = [await timeChart(stock, scale.stockSearches), await timeChart(trueloop, scale.searches)] as const
  const files: (readonly [Transfer, Transfer])[] = []
  for (let round = 0; round < scale.stockSearches; round++)
    files.push([
      await timeArtifact(stock, scale.fileMegabytes),
      await timeArtifact(trueloop, scale.fileMegabytes),
    ] as const)
  const faster = (title: string, pick: (one: Transfer) => number): string[] => {
    const [theirs, ours] = [medianOf(files, ([one]) => pick(one)), medianOf(files, ([, one]) => pick(one))]
    return [title, `${theirs.toFixed(0)} MB/s`, '', `${ours.toFixed(0)} MB/s`, times(ours / theirs), '']
  }
  return [
    slower(`history of ${points} points, all of them`, history),
    slower(`history of ${points} points, for a chart`, charts),
    faster(`upload of ${scale.fileMegabytes} MB`, ({ up }) => up),
    faster(`download of ${scale.fileMegabytes} MB`, ({ down }) => down),
  ]
}

function sectionOf(
  rows: readonly string[][],
  { runs, searches: times, stockSearches }: Scale,
  isPostgres: boolean,
): Section {
  return {
    title: `Tracking server, on ${isPostgres ? 'PostgreSQL' : 'SQLite'}`,
    about: `Trueloop beside \`mlflow server\` ${stockVersion} as it is installed (four workers) and with uvloop beside it, ${
      isPostgres ? 'each with a database of its own on one PostgreSQL' : 'each on its own SQLite file'
    }: the same requests over HTTP, kept connections, one request in flight on each, from a load generator in a process of its own on the same machine. Searches are over ${runs.toLocaleString('en')} runs, the first 100 of each.`,
    head: ['', 'stock', 'stock with uvloop', 'Trueloop', 'to stock', 'to uvloop'],
    rows,
    notes: [
      'Every acknowledged write is durable on all sides. No point is sent twice, and no request may fail.',
      'About 40 ms of each small call to stock are Nagle’s algorithm against delayed acknowledgements: its workers’ sockets come without TCP_NODELAY unless uvloop is installed.',
      `Each search is asserted to find the same runs in the same order on both sides. Stock’s database is filled by a script with what the server would have written, and is not analysed, as its users have it; a search that takes it over ten seconds is measured once. Searches and charts are medians of ${times}, those of stock of ${stockSearches}; the whole history is read once.`,
      'Memory is the resident set of Trueloop’s one process, as published, and the sum of the proportional sets of stock’s.',
    ],
  }
}
