// January against the rest of the flights, from stored Parquet parts to scores, beside Evidently itself. Run alone it is one step of it:
// `node drift.ts store <file> <folder>` makes the two versions, `node drift.ts <definitions> <folder>` is one measurement.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ingest } from '../../src/data/ingest.ts'
import type { Column, Manifest } from '../../src/data/manifest.ts'
import { openVersion } from '../../src/data/select.ts'
import { Source } from '../../src/data/source.ts'
import { compareBinned, type BinnedColumn } from '../../src/monitoring/comparison.ts'
import {
  compareTables,
  type ComparedColumn,
  type ComparedSide,
  type ComparisonDefinitions,
} from '../../src/monitoring/table-comparison.ts'
import { openDirectoryBlobs } from '../../src/platform/blobs-directory.ts'
import { openTables, type Tables } from '../../src/platform/tables.ts'
import { literal } from '../../src/platform/tables-sql.ts'
import { assertClose, medianOf, megabytes, milliseconds, times, type Bench } from './bench.ts'
import { benchVenv, openFlights, referenceScript } from './flights-table.ts'
import { answerOf, measured, nodeAnswer, type Usage } from './processes.ts'

interface Theirs extends Usage {
  /** Drift score by column. */
  readonly scores: Readonly<Record<string, number>>
  /** Of the reference and of the current side. */
  readonly rows: readonly [number, number]
}

interface Ours extends Theirs {
  /** The comparison alone, both sides counted before: what a monitor does with the counters of the gateway. */
  readonly fromCounts: Usage
}

const halves = { january: "date < TIMESTAMP '2001-02-01'", rest: "date >= TIMESTAMP '2001-02-01'" } as const
type Half = keyof typeof halves
const tolerance = 1e-6
const tablesMemoryBytes = 768 * 1024 * 1024
const threads = 2

const openScratch = (tempDirectory: string): Promise<Tables> =>
  openTables({ memoryLimitBytes: tablesMemoryBytes, tempDirectory, threads })
const blobsOf = (directory: string) => openDirectoryBlobs(join(directory, 'blobs'))
const manifestFile = (directory: string, half: Half): string => join(directory, `${half}.json`)

/** Both halves of the flights as dataset versions, as a loop stores them. */
async function store(file: string, directory: string): Promise<{ rows: number }> {
  let rows = 0
  for (const half of ['january', 'rest'] as const) {
    const scratchDirectory = join(directory, half)
    await mkdir(scratchDirectory)
    await using tables = await openScratch(scratchDirectory)
    const path = join(directory, `${half}.parquet`)
    await tables.run(
      `COPY (SELECT * FROM read_parquet([${literal(file)}]) WHERE ${halves[half]}) TO ${literal(path).slice(1, -1)} (FORMAT parquet)`,
    )
    const signal = new AbortController().signal
    const { manifest } = await ingest(
      { tables, blobs: blobsOf(directory), scratchDirectory, signal, progress: () => undefined },
      { source: Source.parse({ kind: 'file', paths: [path] }), timeColumn: 'date', nowMs: 0 },
    )
    await writeFile(manifestFile(directory, half), JSON.stringify(manifest))
    rows += manifest.rows
  }
  return { rows }
}

async function runOurs(definitions: ComparisonDefinitions, directory: string): Promise<Ours> {
  await using tables = await openScratch(directory)
  const { compared, ...usage } = await measured(async () => {
    const sides = [await openHalf(tables, directory, 'january'), await openHalf(tables, directory, 'rest')] as const
    return { compared: await compareTables(tables, { sides, definitions }) }
  })
  const counted = compared.columns.flatMap(binnedOf)
  const fromCounts = await measured(async () => ({ columns: compareBinned(counted) }))
  const scores = Object.fromEntries(compared.columns.map(({ name, value }) => [name, value]))
  return { rows: compared.rows, scores, fromCounts, ...usage }
}

const binnedOf = ({ name, detail }: ComparedColumn): BinnedColumn[] =>
  detail ? [{ name, bins: detail.bins, counts: detail.counts }] : []

/** The five columns that both sides compare; the time stamp becomes the minute of its day. */
async function openHalf(tables: Tables, directory: string, half: Half): Promise<ComparedSide> {
  const manifest = JSON.parse(await readFile(manifestFile(directory, half), 'utf8')) as Manifest
  await openVersion({ tables, blobs: blobsOf(directory) }, { manifest, view: `stored_${half}` })
  await tables.run(
    `CREATE TEMP VIEW ${half} AS SELECT delay, distance, origin, destination, hour(date) * 60 + minute(date) AS minute FROM stored_${half}`,
  )
  const stored = manifest.columns.filter(({ name }) => name !== 'date')
  const columns: Column[] = [...stored, { name: 'minute', type: 'integer' }]
  return { view: half, title: half, columns }
}

export const driftBench: Bench = async ({ isSmoke, rounds, say }) => {
  await using flights = await openFlights(isSmoke)
  const { python } = await benchVenv()
  const { filename } = import.meta
  await nodeAnswer(filename, ['store', flights.file, flights.directory])
  const ours = (definitions: ComparisonDefinitions) => nodeAnswer<Ours>(filename, [definitions, flights.directory])
  const found = { evidently: [] as Ours[], monitors: [] as Ours[], theirs: [] as Theirs[] }
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`)
    found.evidently.push(await ours('evidently'))
    found.monitors.push(await ours('monitors'))
    found.theirs.push(await answerOf<Theirs>(python, [referenceScript, 'drift', flights.file]))
  }
  const worst = assertSameScores(found.evidently, found.theirs[0]!)
  const [before, after] = found.evidently[0]!.rows
  const evidentlyMs = medianOf(found.theirs, ({ wallMs }) => wallMs)
  const line = (name: string, used: readonly Usage[]): string[] => {
    const wallMs = medianOf(used, (one) => one.wallMs)
    const cpu = milliseconds(medianOf(used, ({ cpuMs }) => cpuMs))
    const peak = megabytes(medianOf(used, ({ peakBytes }) => peakBytes))
    return [name, milliseconds(wallMs), cpu, peak, times(evidentlyMs / wallMs)]
  }
  const fromCounts = found.monitors.map((one) => one.fromCounts)
  return {
    title: 'Drift of two tables',
    about: `January against February to June: ${before.toLocaleString('en')} and ${after.toLocaleString('en')} flights, three numeric columns and two of strings. Each measurement is a process of its own; its start and its imports are left out.`,
    head: ['', 'wall', 'CPU', 'peak resident', 'faster than Evidently'],
    rows: [
      line('Evidently: `DataDriftPreset`, both frames in memory', found.theirs),
      line('Trueloop: Evidently’s definitions, both versions read from their Parquet parts', found.evidently),
      line(
        'Trueloop: PSI, Jensen-Shannon and chi-squared by the reference’s own bins, from the same parts',
        found.monitors,
      ),
      line('Trueloop: the latter from counts alone, as monitors do', fromCounts),
    ],
    notes: [
      `The scores of all ${Object.keys(found.evidently[0]!.scores).length} columns are asserted to equal Evidently’s to ${tolerance}; the greatest difference was ${worst.toExponential(1)}.`,
      `Ours: what \`trueloop monitor compare\` does once it knows the two versions; DuckDB with ${threads} threads and ${megabytes(tablesMemoryBytes)} of buffers. Evidently uses one thread, and its frames are read before its clock starts.`,
      'The minute of the day is made from the time stamp within what is timed on our side, and before it on theirs.',
    ],
  }
}

/** The greatest difference. @throws Error when a score is missing or differs by more than the tolerance */
function assertSameScores(ours: readonly Ours[], theirs: Theirs): number {
  const differences = ours.flatMap(({ scores, rows }) => {
    for (const side of [0, 1] as const) assertClose('rows of a side', [rows[side], theirs.rows[side]], 0)
    return Object.entries(theirs.scores).map(([name, score]) => {
      assertClose(`drift of ${name}`, [scores[name] ?? Number.NaN, score], tolerance)
      return Math.abs(scores[name]! - score)
    })
  })
  if (differences.length !== ours.length * 5) throw new Error(`${differences.length} scores were compared`)
  return Math.max(...differences)
}

if (import.meta.main) {
  const [step, first, second] = process.argv.slice(2)
  const answer = step === 'store' ? await store(first!, second!) : await runOurs(step as ComparisonDefinitions, first!)
  console.log(JSON.stringify(answer))
}
