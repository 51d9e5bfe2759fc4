// A source as a typed table, as it is: nothing is checked against expectations, ordered or stored.
import { join } from 'node:path'
import { DomainError } from '../platform/errors.ts'
import type { Tables } from '../platform/tables.ts'
import { quoteName } from '../platform/tables-sql.ts'
import type { Column } from './manifest.ts'
import { CsvOptions, Schema, type Source, type SourceFormat } from './source.ts'
import { checkParquet, findFiles, formatOfName, linkFiles, type LocalFile } from './sources/files.ts'
import { checkJsonDepth } from './sources/json-depth.ts'
import { spoolQuery } from './sources/postgres.ts'
import { defaultRemoteLimits, download, type RemoteLimits } from './sources/remote.ts'
import { stageSource, type StageInput } from './sources/stage.ts'

export interface SourceDeps {
  readonly tables: Tables
  /** Of this source alone, on a disk that can hold it once more. */
  readonly scratchDirectory: string
  readonly signal: AbortSignal
  /** For sources by HTTP; the default allows public addresses only. */
  readonly remote?: Partial<RemoteLimits>
  /** URLs of the PostgreSQL servers that sources name. */
  readonly connections?: Readonly<Record<string, string>>
  /** When given, files elsewhere are refused. */
  readonly fileRoots?: readonly string[]
}

export interface SourceTable {
  readonly source: Source
  readonly schema?: Schema | undefined
  /** The table to make; a name of ours. */
  readonly table: string
}

/** Reads the source into the table, in its own order. @throws DomainError of the source, see sources/ */
export async function openSource(deps: SourceDeps, input: SourceTable): Promise<Column[]> {
  const columns = await stageSource(deps.tables, await locate(deps, input))
  if (input.table !== 'staged') await deps.tables.run(`ALTER TABLE staged RENAME TO ${quoteName(input.table)}`)
  return columns
}

/** Brings the source to files on this machine, checked as far as can be without reading them as tables. */
async function locate(deps: SourceDeps, { source, schema = Schema.parse({}) }: SourceTable): Promise<StageInput> {
  const { scratchDirectory, signal } = deps
  if (source.kind === 'postgres') {
    const url = deps.connections?.[source.connection]
    if (url === undefined)
      throw new DomainError(
        'invalid',
        'connection_unknown',
        `there is no connection "${source.connection}": TRUELOOP_CONNECTIONS has ${Object.keys(deps.connections ?? {}).join(', ') || 'none'}`,
      )
    const path = join(scratchDirectory, 'query.csv')
    const spool = await spoolQuery(url, { query: source.query, path, signal })
    const [file] = await linkFiles([path], scratchDirectory)
    return {
      format: 'csv',
      files: [{ path: file!.path, name: `the query of ${source.connection}` }],
      csv: CsvOptions.parse({ delimiter: ',' }),
      schema,
      written: spool.columns,
      zoned: spool.zoned,
    }
  }
  const files =
    source.kind === 'file'
      ? await findFiles(source.paths, { scratchDirectory, roots: deps.fileRoots })
      : await fetchAll(deps, source.urls)
  const format = source.format ?? commonFormat(files)
  for (const file of files) {
    if (format === 'parquet') await checkParquet(file)
    if (format === 'json' || format === 'ndjson') await checkJsonDepth(file.path, file.name)
  }
  return { format, files, csv: source.csv, schema }
}

function commonFormat(files: readonly LocalFile[]): SourceFormat {
  const formats = [...new Set(files.map(({ name }) => formatOfName(name)))]
  if (formats.length === 1) return formats[0]!
  throw new DomainError(
    'invalid',
    'source_format',
    `the files are of several formats (${formats.join(', ')}): read them one format at a time`,
  )
}

async function fetchAll(deps: SourceDeps, urls: readonly string[]): Promise<LocalFile[]> {
  const names: string[] = []
  for (const [index, url] of urls.entries()) {
    const last = /(?:\.[a-z0-9]+){0,2}$/v.exec(new URL(url).pathname.toLowerCase())![0]
    const path = join(deps.scratchDirectory, `download-${index}${last}`)
    await download(url, { path, limits: { ...defaultRemoteLimits, ...deps.remote }, signal: deps.signal })
    names.push(path)
  }
  const links = await linkFiles(names, deps.scratchDirectory)
  return links.map(({ path }, index) => ({ path, name: new URL(urls[index]!).pathname }))
}
