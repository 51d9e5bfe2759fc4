// January against the rest of the flights by Evidently's definitions, beside Evidently itself. Run alone as `node drift.ts ours <file> <folder>` it is
// one measurement.
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { ingest } from '../../src/data/ingest.ts'
import { openVersion, readColumns } from '../../src/data/select.ts'
import { Source } from '../../src/data/source.ts'
import {
  compareProfiles,
  compareTables,
  compareTablesLikeEvidently,
  countInto,
  profileOf,
  type Column,
} from '../../src/monitoring/comparison.ts'
import { openDirectoryBlobs } from '../../src/platform/blobs-directory.ts'
import { openTables, type Tables } from '../../src/platform/tables.ts'
import type { Columnar } from '../../src/platform/tables-columnar.ts'
import { assertClose, medianOf, megabytes, milliseconds, times, type Bench } from './bench.ts'
import { benchVenv, openFlights, referenceScript } from './flights-table.ts'
import { answerOf, measured, nodeAnswer, type Usage } from './processes.ts'

interface Theirs extends Usage {
  /** Drift score by column. */
  readonly scores: Readonly<Record<string, number>>
  /** Of the reference and of the current side. */
  readonly rows: readonly [number, number]
}

interface Ours {
  readonly rows: readonly [number, number]
  readonly scores: Readonly<Record<string, number>>
  /** From the Parquet parts to typed arrays; Evidently's frames are in memory before its clock starts. */
  readonly reading: Usage
  readonly likeEvidently: Usage
  /** By bins of the reference: PSI, Jensen-Shannon, chi-squared. */
  readonly ownBins: Usage
  /** As `ownBins`, both sides counted before: what a monitor does with the counters of the gateway. */
  readonly fromCounts: Usage
}

const january = { toMs: Date.parse('2001-02-01') }
const rest = { fromMs: january.toMs }
const microsPerDay = 86_400_000_000n
const microsPerMinute = 60_000_000n
const tolerance = 1e-6
const tablesMemoryBytes = 768 * 1024 * 1024

async function runOurs(file: string, directory: string): Promise<Ours> {
  await using tables = await openTables({ memoryLimitBytes: tablesMemoryBytes, tempDirectory: directory, threads: 2 })
  const blobs = openDirectoryBlobs(join(directory, `blobs-${process.pid}`))
  const deps = {
    tables,
    blobs,
    scratchDirectory: await mkdtemp(join(directory, 'scratch-')),
    signal: new AbortController().signal,
    progress: () => undefined,
  }
  const source = Source.parse({ kind: 'file', paths: [file] })
  const { manifest } = await ingest(deps, { source, timeColumn: 'date', nowMs: 0 })
  const side = async (time: { fromMs?: number; toMs?: number }): Promise<Column[]> => {
    await openVersion({ tables, blobs }, { manifest, view: 'side', time })
    return columnsOf(await readSide(tables))
  }
  const readSide = (from: Tables) => readColumns(from, { view: 'side', columns: manifest.columns })
  const { reference, current, ...reading } = await measured(async () => ({
    reference: await side(january),
    current: await side(rest),
  }))
  const { drift, ...likeEvidently } = await measured(async () => ({
    drift: compareTablesLikeEvidently(reference, current),
  }))
  const ownBins = await measured(async () => ({ columns: compareTables(reference, current).length }))
  const profiles = reference.map(profileOf)
  const counted = current.map((column, at) => countInto(profiles[at]!, column))
  const fromCounts = await measured(async () => ({ columns: compareProfiles(profiles, counted).length }))
  const scores = Object.fromEntries(drift.columns.map(({ name, score }) => [name, score]))
  const rows: [number, number] = [reference[0]!.values.length, current[0]!.values.length]
  return { rows, scores, reading, likeEvidently, ownBins, fromCounts }
}

/** The five columns that both sides compare; the time stamp becomes the minute of its day. */
function columnsOf({ columns }: Columnar): Column[] {
  return [...columns].map(([name, array]): Column => {
    switch (array.kind) {
      case 'number':
        return { name, kind: 'numeric', values: array.values, integer: true }
      case 'string':
        return { name, kind: 'category', values: Array.from(array.codes, (code) => array.categories[code] ?? null) }
      case 'time': {
        const minutes = Float64Array.from(array.micros, (at) => Number((at % microsPerDay) / microsPerMinute))
        return { name: 'minute', kind: 'numeric', values: minutes, integer: true }
      }
    }
  })
}

export const driftBench: Bench = async ({ isSmoke, rounds, say }) => {
  await using flights = await openFlights(isSmoke)
  const { python } = await benchVenv()
  const ours: Ours[] = []
  const theirs: Theirs[] = []
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`)
    ours.push(await nodeAnswer<Ours>(import.meta.filename, ['ours', flights.file, flights.directory]))
    theirs.push(await answerOf<Theirs>(python, [referenceScript, 'drift', flights.file]))
  }
  const worst = assertSameScores(ours, theirs[0]!)
  const [before, after] = ours[0]!.rows
  const evidentlyMs = medianOf(theirs, ({ wallMs }) => wallMs)
  const line = (name: string, used: readonly Usage[]): string[] => {
    const wallMs = medianOf(used, (one) => one.wallMs)
    const cpu = milliseconds(medianOf(used, ({ cpuMs }) => cpuMs))
    const peak = megabytes(medianOf(used, ({ peakBytes }) => peakBytes))
    return [name, milliseconds(wallMs), cpu, peak, times(evidentlyMs / wallMs)]
  }
  const pick = (key: 'reading' | 'likeEvidently' | 'ownBins' | 'fromCounts') => ours.map((one) => one[key])
  return {
    title: 'Drift of two tables',
    about: `January against February to June: ${before.toLocaleString('en')} and ${after.toLocaleString('en')} flights, three numeric columns and two of strings. Each measurement is a process of its own; its start and its imports are left out.`,
    head: ['', 'wall', 'CPU', 'peak resident', 'faster than Evidently'],
    rows: [
      line('Evidently: `DataDriftPreset`, both frames in memory', theirs),
      line('Trueloop: Evidently’s definitions, both tables in memory', pick('likeEvidently')),
      line('Trueloop: the same tables read from their Parquet parts', pick('reading')),
      line('Trueloop: PSI, Jensen-Shannon and chi-squared by the reference’s own bins', pick('ownBins')),
      line('Trueloop: the same from counts, as monitors do', pick('fromCounts')),
    ],
    notes: [
      `The scores of all ${Object.keys(ours[0]!.scores).length} columns are asserted to equal Evidently’s to ${tolerance}; the greatest difference was ${worst.toExponential(1)}.`,
      'One thread on both sides, but for reading the Parquet parts (two). Our rows are measured one after the other in one process, so their peak of memory is that of the process up to then.',
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
  const [, file, directory] = process.argv.slice(2)
  console.log(JSON.stringify(await runOurs(file!, directory!)))
}
