// Builders of sources: where a dataset's rows come from.
import type { CsvOptions, Source, SourceFormat } from '../../data/source.ts'
import type { z } from 'zod'

export type SourceInput = z.input<typeof Source>
export type CsvInput = z.input<typeof CsvOptions>

const files = (format: SourceFormat, paths: string | readonly string[]) => ({
  kind: 'file' as const,
  paths: typeof paths === 'string' ? [paths] : [...paths],
  format,
})

/** Parquet files: paths or globs such as `data/*.parquet`, relative to the loop file. */
export const parquet = (paths: string | readonly string[]): SourceInput => files('parquet', paths)

/** CSV files: paths or globs, relative to the loop file. Delimiter, header and types are found out unless said. */
export const csv = (paths: string | readonly string[], options: CsvInput = {}): SourceInput => ({
  ...files('csv', paths),
  csv: options,
})

/** Files of one JSON object a line: paths or globs, relative to the loop file. */
export const ndjson = (paths: string | readonly string[]): SourceInput => files('ndjson', paths)

/** Files of one JSON array of objects: paths or globs, relative to the loop file. */
export const json = (paths: string | readonly string[]): SourceInput => files('json', paths)

/** Files fetched over HTTP; the format is told by the URL's name unless given. */
export const http = (
  urls: string | readonly string[],
  options: { format?: SourceFormat; csv?: CsvInput } = {},
): SourceInput => ({ kind: 'http', urls: typeof urls === 'string' ? [urls] : [...urls], ...options })

/** The rows of one SELECT. `connection` names one that the settings hold, so that no password is in a loop file. */
export const postgres = (options: { connection: string; query: string }): SourceInput => ({
  kind: 'postgres',
  ...options,
})
