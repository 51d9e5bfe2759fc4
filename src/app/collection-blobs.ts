// Stored bytes that nothing names any more: found by asking every table, and deleted once they are old enough not to be on their way to a name.
import { sql } from 'kysely'
import type { BlobStore } from '../platform/blobs.ts'
import { databaseKind, on, type Connection } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import type { Reader } from '../platform/reader.ts'
import type { Tables } from './tables.ts'

export interface SweepDeps {
  readonly db: Connection<Tables>
  readonly reader: Reader
  readonly blobs: BlobStore
}

export interface Sweep {
  /** Blobs stored since then stay, whether they are named or not. */
  readonly beforeMs: number
  /** Counts only. */
  readonly isDryRun: boolean
  /** How many names each digest would lose: of a dry run, where they are still there. */
  readonly released: ReadonlyMap<string, number>
  readonly signal: AbortSignal
}

/**
 * Tables whose texts name no blobs, however much they look like it: measurements, logs, users' own words. Every other table's texts are
 * looked through, so that a new table's blobs are kept before anybody has thought of them. `artifact` has an index, and is asked by it.
 */
const silent: ReadonlySet<string> = new Set([
  'artifact',
  'assessment',
  'audit_event',
  'evaluation_record',
  'event',
  'kysely_migration',
  'kysely_migration_lock',
  'lineage_edge',
  'logged_dataset',
  'logged_model_metric',
  'logged_model_param',
  'logged_model_tag',
  'metric_bucket',
  'metric_point',
  'monitor_result',
  'outcome',
  'paired_loss',
  'performance',
  'prediction',
  'run_metric',
  'run_param',
  'run_tag',
  'span',
  'span_content',
  'trace',
  'trace_metadata',
  'trace_tag',
  'traffic',
])

const digests = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/gv

/** Every digest in the texts of the tables. */
export async function namedInTables({ db, reader }: Pick<SweepDeps, 'db' | 'reader'>): Promise<Set<string>> {
  const named = new Set<string>()
  for (const { table, columns } of await textColumns(db)) {
    if (silent.has(table) || columns.length === 0) continue
    const texts = sql.join(columns.map((column) => sql.ref(column)))
    const query = sql<Record<string, string | null>>`select ${texts} from ${sql.table(table)}`.compile(on(db))
    for await (const rows of reader.rows(query)) {
      for (const row of rows) for (const text of Object.values(row)) addDigests(named, text)
    }
  }
  return named
}

function addDigests(named: Set<string>, text: string | null): void {
  if (text !== null && text.length >= 64) for (const [digest] of text.matchAll(digests)) named.add(digest)
}

async function textColumns(db: Connection<Tables>): Promise<{ table: string; columns: string[] }[]> {
  const query =
    databaseKind(db) === 'postgres'
      ? sql<{ table: string; column: string }>`select table_name as "table", column_name as "column"
          from information_schema.columns where table_schema = current_schema() and data_type = 'text'`
      : sql<{ table: string; column: string }>`select m.name as "table", c.name as "column"
          from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and lower(c.type) like 'text%'`
  const { rows } = await query.execute(on(db))
  return [...Map.groupBy(rows, ({ table }) => table)].map(([table, columns]) => ({
    table,
    columns: columns.map(({ column }) => column),
  }))
}

/** A manifest of at most so many bytes is read for the blobs that it names. */
const manifestBytesMax = 256 * 1024 * 1024
const askedAtOnce = 500
const readAtOnce = 8

/** Answers how many went, or would go, and their bytes. @throws DomainError blob_store_unavailable */
export async function sweepBlobs(deps: SweepDeps, sweep: Sweep): Promise<{ blobs: number; bytes: number }> {
  const { blobs: store } = deps
  const named = await namedInTables(deps)
  const manifests: string[] = []
  const loose = new Map<string, number>()
  let asked: { digest: string; bytes: number }[] = []
  const ask = async (): Promise<void> => {
    for (const { digest, bytes } of await withoutFiles(deps.db, asked, sweep.released)) loose.set(digest, bytes)
    asked = []
  }
  for await (const { digest, bytes, atMs } of store.list()) {
    if (sweep.signal.aborted) return { blobs: 0, bytes: 0 }
    if (named.has(digest)) {
      if (bytes > 64 && bytes <= manifestBytesMax) manifests.push(digest)
    } else if (atMs < sweep.beforeMs) asked.push({ digest, bytes })
    if (asked.length === askedAtOnce) await ask()
  }
  await ask()
  if (loose.size > 0) await keepNamedInBlobs(store, manifests, loose)
  const gone = { blobs: 0, bytes: 0 }
  for (const [digest, bytes] of loose) {
    if (sweep.signal.aborted) break
    if (!sweep.isDryRun && !(await store.deleteBefore(digest, sweep.beforeMs))) continue
    gone.blobs++
    gone.bytes += bytes
  }
  return gone
}

/** Those that no file of the tree has, or that would lose all of theirs. */
async function withoutFiles<T extends { digest: string }>(
  db: Connection<Tables>,
  asked: readonly T[],
  released: ReadonlyMap<string, number>,
): Promise<T[]> {
  if (asked.length === 0) return []
  const rows = await on(db)
    .selectFrom('artifact')
    .select(['digest', (eb) => eb.fn.countAll().as('files')])
    .where(
      'digest',
      'in',
      asked.map(({ digest }) => digest),
    )
    .groupBy('digest')
    .execute()
  const files = new Map(rows.map((row) => [row.digest, Number(row.files)]))
  return asked.filter(({ digest }) => (files.get(digest) ?? 0) <= (released.get(digest) ?? 0))
}

/** Manifests of datasets and of code are JSON that names further blobs; those names nothing else, so one step is enough. */
async function keepNamedInBlobs(
  store: BlobStore,
  manifests: readonly string[],
  loose: Map<string, number>,
): Promise<void> {
  for (let at = 0; at < manifests.length; at += readAtOnce) {
    await Promise.all(
      manifests.slice(at, at + readAtOnce).map(async (digest) => {
        for (const [each] of (await readJson(store, digest)).matchAll(digests)) loose.delete(each)
      }),
    )
  }
}

/** Empty for what is no JSON. What is damaged still names what it named: it may come back from a backup. */
async function readJson(store: BlobStore, digest: string): Promise<string> {
  const chunks: Uint8Array[] = []
  try {
    for await (const chunk of store.stream(digest)) {
      if (chunks.length === 0 && chunk[0] !== '{'.charCodeAt(0) && chunk[0] !== '['.charCodeAt(0)) return ''
      chunks.push(chunk)
    }
  } catch (error) {
    const isSpoilt = error instanceof DomainError && ['blob_corrupt', 'blob_not_found'].includes(error.code)
    if (!isSpoilt) throw error
  }
  return Buffer.concat(chunks).toString()
}
