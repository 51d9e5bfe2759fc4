// Raw predictions as Parquet, by endpoint and day: what workers wrote down as NDJSON is converted, kept for a while, and read for looking closer.
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cellText, type Row, type Tables } from '../platform/tables.ts'
import { literal, literalList } from '../platform/tables-sql.ts'
import { rawSegmentEnding } from './worker/raw-log.ts'

export interface PredictionLogPaths {
  /** Segments of the workers: `gatewayPaths(home).raw`. */
  readonly raw: string
  /** `<endpoint's digest>/<day>/<batch>.parquet`: names never become paths. */
  readonly parquet: string
}

export interface Retention {
  readonly ageMaxMs: number
  readonly bytesMax: number
}

const dayMs = 86_400_000
const batchDirectory = 'converting'
/** Segments of one conversion; the rest waits for the next. */
const segmentsMax = 500
const rowsReadMax = 100_000

const columns = `{id: 'VARCHAR', endpoint: 'VARCHAR', version: 'VARCHAR', role: 'VARCHAR', eventTimeMs: 'BIGINT', atMs: 'BIGINT', output: 'DOUBLE[]', inputs: 'VARCHAR'}`

/** The folder of an endpoint's files. */
const endpointDirectory = (paths: PredictionLogPaths, endpoint: string): string =>
  join(paths.parquet, createHash('sha256').update(endpoint).digest('hex').slice(0, 32))

const dayText = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/**
 * Converts the finished segments to Parquet, one file for each endpoint and day (of the answer, UTC). May be killed at any moment and run
 * again: a batch of segments has one name, its files are written under it, and it is gone only when all of them are there.
 * Heavy: for a process of its own. A line that was cut when its worker was killed is left out.
 * @returns rows written
 */
export async function convertSegments(tables: Tables, paths: PredictionLogPaths): Promise<number> {
  let rows = 0
  for (const batch of await batchesOf(paths)) rows += await convertBatch(tables, paths, batch)
  return rows
}

/** Batches that an earlier conversion left, and one of what is new. */
async function batchesOf({ raw }: PredictionLogPaths): Promise<string[]> {
  const converting = join(raw, batchDirectory)
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
  const files = (await readdir(directory)).map((name) => join(directory, name))
  let rows = 0
  if (files.length > 0) {
    await tables.run(
      `CREATE OR REPLACE TEMP TABLE segment AS SELECT * FROM read_json(${literalList(files)}, format = 'newline_delimited', columns = ${columns}, ignore_errors = true) WHERE id IS NOT NULL AND endpoint IS NOT NULL AND atMs IS NOT NULL`,
    )
    const parts = await tables.rows(`SELECT endpoint, atMs // ${dayMs} AS day FROM segment GROUP BY ALL ORDER BY ALL`)
    for (const { endpoint, day } of parts)
      rows += await writePart(tables, paths, { endpoint: cellText(endpoint), day: Number(day), batch })
    await tables.run('DROP TABLE segment')
  }
  for (const file of files) await rm(file)
  await rmdir(directory)
  return rows
}

async function writePart(
  tables: Tables,
  paths: PredictionLogPaths,
  { endpoint, day, batch }: { endpoint: string; day: number; batch: string },
): Promise<number> {
  const directory = join(endpointDirectory(paths, endpoint), dayText(day * dayMs))
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, `${batch}.parquet`)
  const rows = await tables.run(
    `COPY (SELECT * FROM segment WHERE endpoint = ${literal(endpoint)} AND atMs // ${dayMs} = ${literal(day)} ORDER BY atMs, id) TO ${literal(`${path}.part`)} (FORMAT parquet, COMPRESSION zstd)`,
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

/** Removes what is too old, then the oldest of what is too much. @returns files removed */
export async function pruneParquet(paths: PredictionLogPaths, retention: Retention, nowMs: number): Promise<number> {
  const files = await storedFiles(paths)
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  let removed = 0
  for (const file of files) {
    // A day is over 24 hours after it began.
    const isOld = file.dayMs + dayMs < nowMs - retention.ageMaxMs
    if (!isOld && bytes <= retention.bytesMax) break
    await rm(file.path, { force: true })
    bytes -= file.bytes
    removed++
  }
  return removed
}

export interface PredictionQuery {
  readonly endpoint: string
  /** Half-open, by the time of the answer. */
  readonly fromMs: number
  readonly toMs: number
  readonly limit: number
}

/** Newest first: id, version, role, eventTimeMs, atMs, output, inputs (JSON text). */
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
    `SELECT id, version, role, eventTimeMs, atMs, output, inputs FROM read_parquet(${literalList(files.map((file) => file.path))}) WHERE atMs >= ${literal(fromMs)} AND atMs < ${literal(toMs)} ORDER BY atMs DESC, id DESC LIMIT ${literal(limit)}`,
  )
}
