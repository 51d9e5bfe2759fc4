// What a dataset version is made of: a schema and immutable Parquet parts. Pure, so web/ and client/ import it too.
import { z } from 'zod'

/** `timestamp` is microseconds since the epoch in UTC; `integer` is 64 bit. */
export const ColumnType = z.enum(['boolean', 'integer', 'double', 'string', 'timestamp', 'date'])
export type ColumnType = z.infer<typeof ColumnType>

export const Column = z.strictObject({ name: z.string().min(1).max(256), type: ColumnType })
export type Column = Readonly<z.infer<typeof Column>>

export const Digest = z.string().regex(/^[0-9a-f]{64}$/v, 'a sha256 in lower-case hexadecimal digits')

export const Part = z.strictObject({
  /** Of the logical rows, so that the same rows are the same part however Parquet encoded them. */
  digest: Digest,
  /** Of the Parquet file in the blob store. */
  blob: Digest,
  bytes: z.int().nonnegative(),
  rows: z.int().positive(),
  /** Of the time column, in microseconds since the epoch as decimal text; absent without one. */
  timeMinUs: z.string().optional(),
  timeMaxUs: z.string().optional(),
})
export type Part = Readonly<z.infer<typeof Part>>

export const Manifest = z.strictObject({
  columns: z.array(Column).min(1),
  timeColumn: z.string().optional(),
  keyColumns: z.array(z.string()),
  parts: z.array(Part),
  rows: z.int().nonnegative(),
})
export type Manifest = Readonly<z.infer<typeof Manifest>>
