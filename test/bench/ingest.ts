// Taking in and profiling the flights, beside pandas and Evidently. Run alone it is one measurement: `node ingest.ts ingest <file> <folder>` makes the
// version, `node ingest.ts profile <folder>` profiles it.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ingest } from '../../src/data/ingest.ts'
import { profileTable } from '../../src/data/profile-table.ts'
import { profileQuantiles, type Profile } from '../../src/data/profile.ts'
import type { Manifest } from '../../src/data/manifest.ts'
import { openVersion } from '../../src/data/select.ts'
import { Source } from '../../src/data/source.ts'
import { openDirectoryBlobs } from '../../src/platform/blobs-directory.ts'
import { openTables, type Tables } from '../../src/platform/tables.ts'
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

const openScratch = (tempDirectory: string): Promise<Tables> =>
  openTables({ memoryLimitBytes: tablesMemoryBytes, tempDirectory, threads })
const blobsOf = (directory: string) => openDirectoryBlobs(join(directory, 'blobs'))
const manifestFile = (directory: string): string => join(directory, 'manifest.json')

/** From the file to parts in a blob store and a profile. */
async function ingestFile(file: string, directory: string): Promise<Ours> {
  const scratchDirectory = join(directory, 'scratch')
  await mkdir(scratchDirectory, { recursive: true })
  await using tables = await openScratch(scratchDirectory)
  const signal = new AbortController().signal
  const deps = { tables, blobs: blobsOf(directory), scratchDirectory, signal, progress: () => undefined }
  const source = Source.parse({ kind: 'file', paths: [file] })
  const { manifest, ...answer } = await measured(async () => {
    const { manifest, profile } = await ingest(deps, { source, timeColumn: 'date', nowMs: 0 })
    return { manifest, profile, rows: manifest.rows }
  })
  await writeFile(manifestFile(directory), JSON.stringify(manifest))
  return answer
}

/** Of the version that was ingested into the folder. */
async function profileVersion(directory: string): Promise<Ours> {
  await using tables = await openScratch(directory)
  const manifest = JSON.parse(await readFile(manifestFile(directory), 'utf8')) as Manifest
  return await measured(async () => {
    await openVersion({ tables, blobs: blobsOf(directory) }, { manifest, view: 'profiled' })
    const profile = await profileTable(tables, { table: 'profiled', columns: manifest.columns })
    return { rows: profile.rows, profile }
  })
}

export const ingestBench: Bench = async ({ isSmoke, rounds, say }) => {
  await using flights = await openFlights(isSmoke)
  const { python } = await benchVenv()
  const ours = (...step: string[]) => nodeAnswer<Ours>(import.meta.filename, step)
  const theirs = <T extends Usage>(command: string) => answerOf<T>(python, [referenceScript, command, flights.file])
  const found = { ingest: [] as Ours[], profile: [] as Ours[], pandas: [] as Described[], evidently: [] as Usage[] }
  for (let round = 1; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`)
    const directory = join(flights.directory, `round-${round}`)
    await mkdir(directory)
    found.ingest.push(await ours('ingest', flights.file, directory))
    found.pandas.push(await theirs<Described>('describe'))
    found.profile.push(await ours('profile', directory))
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
      'Rows, nulls, distinct count, least and greatest value, mean, deviation, quartiles and the most frequent value’s count are asserted to be the same as those of pandas.',
      'A profile has nulls, infinities, distinct count, moments, seven quantiles, frequent values and a histogram of each column. Evidently’s summary has about the same, in its own form, and duplicates; it is given the minute of the day where we have the time stamp.',
    ],
  }
}

function assertSameProfile(profile: Profile, described: Described): void {
  assertClose('rows', [profile.rows, described.rows], 0)
  for (const [name, theirs] of Object.entries(described.columns)) {
    const column = profile.columns.find((one) => one.name === name)
    if (!column) throw new Error(`the profile has no column "${name}"`)
    const quantile = (share: (typeof profileQuantiles)[number]): number =>
      column.quantiles[profileQuantiles.indexOf(share)] ?? Number.NaN
    const pairs: [string, number | undefined, number | undefined, number][] = [
      ['nulls', column.nulls, theirs['nulls'], 0],
      ['distinct', column.distinct, theirs['distinct'], 0],
      ['min', Number(column.min), theirs['min'], 0],
      ['max', Number(column.max), theirs['max'], 0],
      ['mean', column.mean ?? Number.NaN, theirs['mean'], 1e-9],
      ['deviation', column.sd ?? Number.NaN, theirs['std'], 1e-9],
      ['lower quartile', quantile(0.25), theirs['25%'], 1e-9],
      ['median', quantile(0.5), theirs['50%'], 1e-9],
      ['upper quartile', quantile(0.75), theirs['75%'], 1e-9],
      ['count of the most frequent value', column.top[0]?.count, theirs['freq'], 0],
    ]
    for (const [what, ours, other, tolerance] of pairs) {
      if (other !== undefined) assertClose(`${what} of ${name}`, [ours ?? Number.NaN, other], tolerance)
    }
  }
}

if (import.meta.main) {
  const [step, ...given] = process.argv.slice(2)
  const [first = '', second = ''] = given
  console.log(JSON.stringify(step === 'ingest' ? await ingestFile(first, second) : await profileVersion(first)))
}
