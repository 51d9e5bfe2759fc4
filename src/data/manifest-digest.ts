// What a dataset version is known by: the digest of its logical rows and schema, whatever files hold them.
import { createHash } from 'node:crypto'
import type { Manifest } from './manifest.ts'

/** Two manifests have one digest when they hold the same columns, keys and rows in the same parts. */
export function manifestDigest({ columns, timeColumn, keyColumns, parts }: Manifest): string {
  const content = [
    columns.map(({ name, type }) => [name, type]),
    timeColumn ?? null,
    keyColumns,
    parts.map(({ digest }) => digest),
  ]
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}

/** Bytes that the parts take in the blob store. */
export const manifestBytes = ({ parts }: Manifest): number => parts.reduce((sum, { bytes }) => sum + bytes, 0)
