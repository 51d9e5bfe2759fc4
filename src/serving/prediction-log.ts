// Raw predictions as Parquet, by endpoint and day: what workers wrote down as NDJSON is converted, kept for a while, and read for looking closer.
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DomainError } from '../platform/errors.ts'
import { cellText, type Row, type Tables } from '../platform/tables.ts'
import { literal, literalList } from '../platform/tables-sql.ts'
import { rawRowBytesMax } from './contract/gateway-limits.ts'
import { rawSegmentEnding, type RawRow } from './worker/reports/raw-log.ts'

export interface PredictionLogPaths {
  /** Segments of the workers: `gatewayPaths(home).raw`. */
  readonly raw: string
  /** `endpoint=<name>/day=<YYYY-MM-DD>/<batch>.parquet`: partitions as Hive names them, which most readers know. */
  readonly parquet: string
}

export interface Retention {
  readonly ageMaxMs: number
  readonly bytesMax: number
}

const dayMs = 86_400_000
const batchDirectory = 'converting'
const doneDirectory = 'converted'
const rejectedDirectory = 'rejected'
/** Conversions of one batch that may fail before it is set aside, and batches set aside that are kept for a look. */
const failuresMax = 3
const rejectedMax = 8
/** Segments of one conversion; the rest waits for the next. */
const segmentsMax = 500
const rowsReadMax = 100_000
/** UTF-8 and the escapes of JSON make more bytes of a character. */
const lineBytesMax = 8 * rawRowBytesMax

/** The same for all files of all times: what differs between versions is within `inputs`. */
const columns = {
  id: 'VARCHAR',
  endpoint: 'VARCHAR',
  version: 'VARCHAR',
  role: 'VARCHAR',
  status: 'SMALLINT',
  code: 'VARCHAR',
  assignedWith: 'DOUBLE',
  eventTimeMs: 'BIGINT',
  atMs: 'BIGINT',
  output: 'DOUBLE[]',
  inputs: 'VARCHAR',
} as const satisfies Record<keyof RawRow, string>
const columnTypes = Object.entries(columns)
  .map(([name, type]) => `${name}: '${type}'`)
  .join(', ')
/** A partition's own column is the folder's name, and in no file: readers would find it twice. */
const storedColumns = Object.keys(columns)
  .filter((name) => name !== 'endpoint')
  .join(', ')

/** The folder of an endpoint's files. Escaped, so that no name could be another folder's; ours need none. */
const endpointDirectory = (paths: PredictionLogPaths, endpoint: string): string =>
  join(paths.parquet, `endpoint=${encodeURIComponent(endpoint)}`)

const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/**
 * Converts the finished segments to Parquet, one file for each endpoint and day (of the answer, UTC). May be killed at any moment and run
 * again: a batch of segments has one name, its files are written under it, and it is gone only when all of them are there.
 * Heavy: for a process of its own. A line that was cut when its worker was killed is left out. A batch that fails again and again is set
 * aside, so that it does not stand in the way of the rest.
 * @returns rows written
 * @throws what the first batch that failed has thrown, after all others had their turn; disk_full at once
 */
export async function convertSegments(tables: Tables, paths: PredictionLogPaths): Promise<number> {
  let rows = 0
  const failures: unknown[] = []
  for (const batch of await batchesOf(paths)) {
    try {
      rows += await convertBatch(tables, paths, batch)
    } catch (error) {
      if (error instanceof DomainError && error.code === 'disk_full') throw error
      await noteFailure(paths, batch)
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return rows
}

/** Batches that an earlier conversion left, and one of what is new. */
async function batchesOf({ raw }: PredictionLogPaths): Promise<string[]> {
  const converting = join(raw, batchDirectory)
  await rm(join(raw, doneDirectory), { recursive: true, force: true })
  await mkdir(converting, { recursive: true, mode: 0o700 })
  const segments = (await readdir(raw))
    .filter((name) => name.endsWith(rawSegmentEnding))
    .toSorted()
    .slice(0, segmentsMax)
  if (segments.length > 0) {
    const batch = createHash('sha256').update(segments.join('\n')).digest('hex').slice(0, 32)
    await mkdir(join(converting, batch), { recursive: true, mode: 0o700 })
    for (const name of segments) await rename(join(raw, name), join(converting, batch, name))
  }
  return (await readdir(converting)).toSorted()
}

async function convertBatch(tables: Tables, paths: PredictionLogPaths, batch: string): Promise<number> {
  const directory = join(paths.raw, batchDirectory, batch)
  const files = (await readdir(directory))
    .filter((name) => name.endsWith(rawSegmentEnding))
    .map((name) => join(directory, name))
  let rows = 0
  if (files.length > 0) {
    await tables.run(
      `CREATE OR REPLACE TEMP TABLE segment AS SELECT * FROM read_json(${literalList(files)}, format = 'newline_delimited', columns = {${columnTypes}}, maximum_object_size = ${lineBytesMax}, ignore_errors = true) WHERE id IS NOT NULL AND endpoint IS NOT NULL AND atMs IS NOT NULL`,
    )
    const parts = await tables.rows(`SELECT endpoint, atMs // ${dayMs} AS day FROM segment GROUP BY ALL ORDER BY ALL`)
    for (const { endpoint, day } of parts)
      rows += await writePart(tables, paths, { endpoint: cellText(endpoint), day: Number(day), batch })
    await tables.run('DROP TABLE segment')
  }
  // Gone in one step: of a batch that had lost some of its segments already, the next conversion would write fewer rows over these.
  const done = join(paths.raw, doneDirectory)
  await mkdir(done, { recursive: true, mode: 0o700 })
  await rename(directory, join(done, batch))
  await rm(done, { recursive: true, force: true })
  return rows
}

/** Counted within the batch's own folder. */
async function noteFailure({ raw }: PredictionLogPaths, batch: string): Promise<void> {
  const directory = join(raw, batchDirectory, batch)
  const note = join(directory, 'failures')
  const failures = 1 + (Number(await readFile(note, 'utf8').catch(() => '0')) || 0)
  await writeFile(note, String(failures), { mode: 0o600 })
  if (failures < failuresMax) return
  const rejected = join(raw, rejectedDirectory)
  await mkdir(rejected, { recursive: true, mode: 0o700 })
  await rename(directory, join(rejected, batch))
  const names = await readdir(rejected)
  const aged = await Promise.all(
    names.map(async (name) => ({ name, atMs: (await stat(join(rejected, name))).mtimeMs })),
  )
  for (const { name } of aged.toSorted((a, b) => b.atMs - a.atMs).slice(rejectedMax))
    await rm(join(rejected, name), { recursive: true, force: true })
}

async function writePart(
  tables: Tables,
  paths: PredictionLogPaths,
  { endpoint, day, batch }: { endpoint: string; day: number; batch: string },
): Promise<number> {
  const directory = join(endpointDirectory(paths, endpoint), `day=${dayText(day * dayMs)}`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, `${batch}.parquet`)
  const rows = await tables.run(
    `COPY (SELECT ${storedColumns} FROM segment WHERE endpoint = ${literal(endpoint)} AND atMs // ${dayMs} = ${literal(day)} ORDER BY atMs, id) TO ${literal(`${path}.part`)} (FORMAT parquet, COMPRESSION zstd)`,
  )
  await rename(`${path}.part`, path)
  return rows
}

interface StoredFile {
  readonly path: string
  readonly dayMs: number
  readonly bytes: number
}

async function storedFiles(paths: PredictionLogPaths): Promise<StoredFile[]> {
  const found: StoredFile[] = []
  const names = await readdir(paths.parquet, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  for (const entry of names) {
    if (!entry.isFile() || !entry.name.endsWith('.parquet')) continue
    const path = join(entry.parentPath, entry.name)
    const day = Date.parse(entry.parentPath.slice(-'2001-01-31'.length))
    found.push({ path, dayMs: day, bytes: (await stat(path)).size })
  }
  return found.toSorted((a, b) => a.dayMs - b.dayMs)
}

export interface Pruned {
  readonly filesTooOld: number
  /** Removed since all together were too much. */
  readonly filesTooMuch: number
  /** Of what is left. */
  readonly bytes: number
}

/** Removes what is too old, then the oldest days of what is too much. */
export async function pruneParquet(paths: PredictionLogPaths, retention: Retention, nowMs: number): Promise<Pruned> {
  const files = await storedFiles(paths)
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  let filesTooOld = 0
  let filesTooMuch = 0
  for (const file of files) {
    // A day is over 24 hours after it began.
    const isOld = file.dayMs + dayMs < nowMs - retention.ageMaxMs
    if (!isOld && bytes <= retention.bytesMax) break
    await rm(file.path, { force: true })
    // The folders of the day and of the endpoint, when it was their last.
    await rmdir(dirname(file.path))
      .then(() => rmdir(dirname(dirname(file.path))))
      .catch(() => undefined)
    bytes -= file.bytes
    if (isOld) filesTooOld++
    else filesTooMuch++
  }
  return { filesTooOld, filesTooMuch, bytes }
}

export interface PredictionQuery {
  readonly endpoint: string
  /** Half-open, by the time of the answer. */
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
}

/** Newest first: the columns of {@link RawRow} but for the endpoint; `inputs` is JSON text. */
export async function readPredictions(
  tables: Tables,
  paths: PredictionLogPaths,
  query: PredictionQuery,
): Promise<Row[]> {
  const { endpoint, fromMs, toMs } = query
  const directory = endpointDirectory(paths, endpoint)
  const files = (await storedFiles(paths)).filter(
    (file) => file.path.startsWith(`${directory}/`) && file.dayMs < toMs && file.dayMs + dayMs > fromMs,
  )
  if (files.length === 0) return []
  const limit = Math.min(query.limit, rowsReadMax)
  return tables.rows(
    `SELECT ${storedColumns} FROM read_parquet(${literalList(files.map((file) => file.path))}, hive_partitioning = false) WHERE atMs >= ${literal(fromMs)} AND atMs < ${literal(toMs)} ORDER BY atMs DESC, id DESC LIMIT ${literal(limit)}`,
  )
}
