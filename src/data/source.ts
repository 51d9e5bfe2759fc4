// Where rows come from: files, URLs or a query, and how to read them. Pure.
import { z } from 'zod'
import { ColumnType } from './manifest.ts'

export const SourceFormat = z.enum(['csv', 'ndjson', 'json', 'parquet'])
export type SourceFormat = z.infer<typeof SourceFormat>

export const CsvOptions = z.strictObject({
  /** One character; found out from the file by default. */
  delimiter: z.string().length(1).optional(),
  header: z.boolean().default(true),
  encoding: z.enum(['utf-8', 'latin-1', 'utf-16']).default('utf-8'),
  /** Texts that mean null, beside the empty one. */
  nullValues: z.array(z.string()).max(20).default([]),
  /** As strptime has it, such as `%d.%m.%Y`. */
  dateFormat: z.string().optional(),
  timestampFormat: z.string().optional(),
})
export type CsvOptions = z.infer<typeof CsvOptions>

const format = SourceFormat.optional().describe('by the file name when absent')

export const Source = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('file'),
    /** Paths or globs; the rows of all, in the order of the names. */
    paths: z.array(z.string().min(1)).min(1).max(1000),
    format,
    csv: CsvOptions.optional(),
  }),
  z.strictObject({
    kind: z.literal('http'),
    urls: z.array(z.url()).min(1).max(1000),
    format,
    csv: CsvOptions.optional(),
  }),
  z.strictObject({
    kind: z.literal('postgres'),
    /** Name of a connection that the settings hold; its password never gets into a pipeline's input. */
    connection: z.string().min(1),
    /** One SELECT. */
    query: z.string().min(1).max(100_000),
  }),
])
export type Source = z.infer<typeof Source>
export type SourceInput = z.input<typeof Source>

/** `timestamp_s`, `timestamp_ms` and `timestamp_us` read numbers since 1970; each becomes a `timestamp`. */
export const ColumnOverride = z.union([ColumnType, z.enum(['timestamp_s', 'timestamp_ms', 'timestamp_us'])])
export type ColumnOverride = z.infer<typeof ColumnOverride>

/** How the columns are to be read; what is not said is inferred. */
export const Schema = z.strictObject({
  columns: z.record(z.string(), ColumnOverride).default({}),
  /** Of time stamps without an offset; an IANA name. */
  zone: z.string().default('UTC'),
  /** Columns to keep, in this order; all by default. */
  select: z.array(z.string()).min(1).optional(),
})
export type Schema = z.infer<typeof Schema>
