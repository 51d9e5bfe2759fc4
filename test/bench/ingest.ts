// Taking in and profiling the flights, beside pandas and Evidently. Run alone as `node ingest.ts ours <step> <file> <folder>` it is one measurement.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ingest } from '../../src/data/ingest.ts'
import { profileTable } from '../../src/data/profile-table.ts'
import type { Profile } from '../../src/data/profile.ts'
import { openVersion } from '../../src/data/select.ts'
import { Source } from '../../src/data/source.ts'
import { openDirectoryBlobs } from '../../src/platform/blobs-directory.ts'
import { openTables } from '../../src/platform/tables.ts'
import { assertClose, medianOf, megabytes, milliseconds, times, type Bench, type Section } from './bench.ts'
import { benchVenv, openFlights, referenceScript } from './flights-table.ts'
import { answerOf, measured, nodeAnswer, type Usage } from './processes.ts'

type Ours = Usage & { readonly rows: number; readonly profile: Profile }

interface Described extends Usage {
  readonly rows: number
  readonly columns: Readonly<Record<string, Readonly<Record<string, number>>>>
}

const tablesMemoryBytes = 768 * 1024 * 1024
const threads = 2

/** `ingest`: from the file to parts in a blob store and a profile. `profile`: of the stored version, which is made before the clock starts. */
async function runOurs(step: string, file: string, directory: string): Promise<Ours> {
  const scratchDirectory = join(directory, `${step}-${process.pid}`)
  await mkdir(scratchDirectory)
  const blobs = openDirectoryBlobs(join(scratchDirectory, 'blobs'))
  await using tables = await openTables({
    memoryLimitBytes: tablesMemoryBytes,
    tempDirectory: scratchDirectory,
    threads,
  })
  const deps = { tables, blobs, scratchDirectory, signal: new AbortController().signal, progress: () => undefined }
  const takeIn = () =>
    ingest(deps, { source: Source.parse({ kind: 'file', paths: [file] }), timeColumn: 'date', nowMs: 0 })
  if (step === 'ingest') {
    return await measured(async () => {
      const { manifest, profile } = await takeIn()
      return { rows: manifest.rows, profile }
    })
  }
  const { manifest } = await takeIn()
  return await measured(async () => {
    await openVersion(deps, { manifest, view: 'profiled' })
    const profile = await profileTable(tables, { table: 'profiled', columns: manifest.columns })
    return { rows: profile.rows, profile }
  })
}

export const ingestBench: Bench = async ({ isSmoke, rounds, say }) => {
  await using flights = await openFlights(isSmoke)
  const { python } = await benchVenv()
  const ours = (step: string) => nodeAnswer<Ours>(import.meta.filename, ['ours', step, flights.file, flights.directory])
  const theirs = <T extends Usage>(command: string) => answerOf<T>(python, [referenceScript, command, flights.file])
  const found = { ingest: [] as Ours[], profile: [] as Ours[], pandas: [] as Described[], evidently: [] as Usage[] }
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`)
    found.ingest.push(await ours('ingest'))
    found.pandas.push(await theirs<Described>('describe'))
    found.profile.push(await ours('profile'))
    found.evidently.push(await theirs('summary'))
  }
  const rows = found.ingest[0]!.rows
  for (const { profile } of [...found.ingest, ...found.profile]) assertSameProfile(profile, found.pandas[0]!)
  return sectionOf(found, rows)
}

function sectionOf(
  found: Readonly<Record<'ingest' | 'profile' | 'pandas' | 'evidently', readonly Usage[]>>,
  rows: number,
): Section {
  const profileMs = medianOf(found.profile, ({ wallMs }) => wallMs)
  const line = (name: string, used: readonly Usage[]): string[] => {
    const wallMs = medianOf(used, (one) => one.wallMs)
    const cpu = milliseconds(medianOf(used, ({ cpuMs }) => cpuMs))
    const peak = megabytes(medianOf(used, ({ peakBytes }) => peakBytes))
    return [name, milliseconds(wallMs), cpu, peak, times(wallMs / profileMs)]
  }
  return {
    title: 'Ingest and profile',
    about: `${rows.toLocaleString('en')} flights of five columns, from Parquet. Each measurement is a process of its own; its start and its imports are left out.`,
    head: ['', 'wall', 'CPU', 'peak resident', 'wall, to our profile'],
    rows: [
      line('Trueloop: ingest (read, check, order by time, store parts by content, profile)', found.ingest),
      line('Trueloop: profile of the stored version, read from its Parquet parts', found.profile),
      line('pandas: `read_parquet` and `describe(include="all")`', found.pandas),
      line('Evidently: `DataSummaryPreset`, the frame in memory', found.evidently),
    ],
    notes: [
      `Ours: DuckDB with ${threads} threads and ${megabytes(tablesMemoryBytes)} of buffers. pandas and Evidently use one thread.`,
      'Rows, nulls, least and greatest value, mean, deviation and the most frequent value’s count are asserted to be the same as those of pandas. Our distinct counts come from a sketch; theirs are exact.',
      'A profile has nulls, infinities, distinct count, moments, seven quantiles, frequent values and a histogram of each column. Evidently’s summary has about the same, in its own form, and duplicates; it is given the minute of the day where we have the time stamp.',
    ],
  }
}

function assertSameProfile(profile: Profile, described: Described): void {
  assertClose('rows', [profile.rows, described.rows], 0)
  for (const [name, theirs] of Object.entries(described.columns)) {
    const column = profile.columns.find((one) => one.name === name)
    if (!column) throw new Error(`the profile has no column "${name}"`)
    const pairs: [string, number | undefined, number | undefined, number][] = [
      ['nulls', column.nulls, theirs['nulls'], 0],
      ['min', Number(column.min), theirs['min'], 0],
      ['max', Number(column.max), theirs['max'], 0],
      ['mean', column.mean ?? Number.NaN, theirs['mean'], 1e-9],
      ['deviation', column.sd ?? Number.NaN, theirs['std'], 1e-9],
      ['count of the most frequent value', column.top[0]?.count, theirs['freq'], 0],
    ]
    for (const [what, ours, other, tolerance] of pairs) {
      if (other !== undefined) assertClose(`${what} of ${name}`, [ours ?? Number.NaN, other], tolerance)
    }
  }
}

if (import.meta.main) {
  const [, step, file, directory] = process.argv.slice(2)
  console.log(JSON.stringify(await runOurs(step!, file!, directory!)))
}
