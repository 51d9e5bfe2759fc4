// A home as an MLflow server's folder: a SQLite database of the stock schema, and every artifact as a file under its name.
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sql } from 'kysely'
import type { ArtifactTables } from '../artifacts/tables.ts'
import type { BlobStore } from '../platform/blobs.ts'
import type { Clock } from '../platform/clock.ts'
import { on, type Db } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import type { Reader } from '../platform/reader.ts'
import { createStockDatabase, type Row, type StockDatabase } from './export/database.ts'
import { graphFolder, tableCopies, type TableCopy } from './export/tables.ts'
import { secretOf, webhookCopies } from './export/webhooks.ts'
import type { WebhookKeys } from './webhook-keys.ts'

export interface ExportDeps {
  /** Of the home, or of a copy of it that nobody changes. */
  readonly db: Db<ArtifactTables>
  readonly reader: Reader
  readonly blobs: Pick<BlobStore, 'stream'>
  readonly clock: Clock
  /** `theirs` is what the stock server will have as `MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY`. */
  readonly webhookKeys: WebhookKeys
}

export interface Exported {
  /** Rows of each table that has some. */
  readonly tables: Readonly<Record<string, number>>
  readonly files: number
  readonly bytes: number
  /** What is not there as it was here, and why: a sentence each. */
  readonly notes: readonly string[]
}

const databaseName = 'mlflow.db'
const artifactsName = 'artifacts'

/**
 * Writes `mlflow.db` and `artifacts/` into a folder that is new or empty; half of an export never stands there.
 * @throws DomainError export_exists, export_incomplete, blob_not_found, blob_corrupt
 */
export async function exportMlflow(
  deps: ExportDeps,
  { folder, tell }: { folder: string; tell: (what: string) => void },
): Promise<Exported> {
  const target = resolve(folder)
  await assertEmpty(target)
  const partial = `${target}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(join(partial, artifactsName), { recursive: true })
  const tables = await copyTables(deps, join(partial, databaseName), tell)
  const { files, bytes } = await copyFiles(deps, join(partial, artifactsName), tell)
  const notes = await noteUnsigned(deps)
  await rm(target, { recursive: true, force: true })
  await rename(partial, target)
  return { tables, files, bytes, notes }
}

async function assertEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (found.length === 0) return
  throw new DomainError('conflict', 'export_exists', `${folder} is not empty: name a new folder`)
}

async function copyTables(
  deps: ExportDeps,
  path: string,
  tell: (what: string) => void,
): Promise<Record<string, number>> {
  using stock = createStockDatabase(path)
  const written: Record<string, number> = {}
  for (const copy of [...tableCopies, ...webhookCopies(deps.webhookKeys, deps.clock())]) {
    const rows = await copyTable(deps, stock, copy)
    written[copy.table] = (written[copy.table] ?? 0) + rows
    tell(`${copy.table}: ${written[copy.table]} rows`)
  }
  for (const [table, rows] of Object.entries(written)) {
    if (stock.count(table) === rows) continue
    const message = `${table} has ${stock.count(table)} rows of ${rows}: this is a bug in Trueloop`
    throw new DomainError('conflict', 'export_incomplete', message)
  }
  return Object.fromEntries(Object.entries(written).filter(([, rows]) => rows > 0))
}

async function copyTable({ db, reader }: ExportDeps, stock: StockDatabase, copy: TableCopy): Promise<number> {
  let count = 0
  for await (const chunk of reader.rows(sql<Row>`${sql.raw(copy.query)}`.compile(on(db)))) {
    const rows = copy.rows ? chunk.flatMap(copy.rows) : chunk
    stock.insert(copy.table, rows)
    count += rows.length
  }
  return count
}

interface FileCopy {
  readonly path: string
  readonly digest: string
}
interface GraphCopy {
  readonly name: string
  readonly version: number
  readonly digest: string
}

async function copyFiles(
  deps: ExportDeps,
  folder: string,
  tell: (what: string) => void,
): Promise<{ files: number; bytes: number }> {
  const { db, reader } = deps
  let [files, bytes] = [0, 0]
  const count = (added: number): void => {
    bytes += added
    files += 1
  }
  const named = sql<FileCopy>`select path, digest from artifact order by path`.compile(on(db))
  for await (const chunk of reader.rows(named)) {
    for (const file of chunk) count(await copyFile(deps, folder, file))
    tell(`${files} files, ${Math.round(bytes / 1_000_000)} MB`)
  }
  const graphs = sql<GraphCopy>`select model as name, version, digest from model_version where digest is not null
    order by model, version`.compile(on(db))
  for await (const chunk of reader.rows(graphs)) for (const graph of chunk) count(await copyGraph(deps, folder, graph))
  return { files, bytes }
}

/** Answers its bytes. */
async function copyFile({ blobs }: ExportDeps, folder: string, { path, digest }: FileCopy): Promise<number> {
  const target = resolve(folder, path)
  // Names of artifacts are no paths that lead anywhere else; a home of another making might hold one.
  if (!target.startsWith(folder + sep)) throw new Error(`the artifact "${path}" would lie outside of the folder`)
  await mkdir(dirname(target), { recursive: true })
  let bytes = 0
  const hash = createHash('sha256')
  const counted = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      bytes += chunk.byteLength
      hash.update(chunk)
      yield chunk
    }
  }
  await pipeline(Readable.from(blobs.stream(digest)), counted, createWriteStream(target))
  if (hash.digest('hex') !== digest) throw new Error(`the artifact "${path}" was not copied whole`)
  return bytes
}

/** A graph that was registered here becomes a model folder in the form that MLflow's clients load. */
async function copyGraph(deps: ExportDeps, folder: string, { digest, ...version }: GraphCopy): Promise<number> {
  const path = graphFolder(version)
  const bytes = await copyFile(deps, folder, { path: `${path}/model.onnx`, digest })
  const flavors = [
    'flavors:',
    '  onnx:',
    '    data: model.onnx',
    '    providers: [CPUExecutionProvider]',
    '  python_function:',
    '    data: model.onnx',
    '    loader_module: mlflow.onnx',
    '',
  ]
  await writeFile(join(folder, path, 'MLmodel'), flavors.join('\n'))
  return bytes
}

async function noteUnsigned({ db, reader, webhookKeys }: ExportDeps): Promise<string[]> {
  const query = sql<Row>`select id, name, secret from webhook where secret is not null order by id`.compile(on(db))
  const rows = await reader.all(query)
  const unsigned = rows.filter(({ id, secret }) => secretOf(webhookKeys, String(id), secret) === undefined)
  return unsigned.map(
    ({ name }) =>
      `the webhook "${String(name)}" is off there and has no secret: export with MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY as its server will have it`,
  )
}
