// What a dataset and its versions are, and how a version is named. Pure, so web/ and client/ import it too.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { namesHint } from '../platform/near-names.ts'
import { Column, Digest } from './manifest.ts'

export const DatasetName = z
  .string()
  .regex(/^[a-zA-Z0-9][\w.\-]{0,127}$/v, 'letters, digits, dot, dash and underscore, at most 128')

export const Dataset = z.object({
  name: DatasetName,
  createdAtMs: z.int(),
  /** Number of the newest version. */
  latest: z.int().positive(),
})
export type Dataset = Readonly<z.infer<typeof Dataset>>

export const DatasetVersion = z.object({
  dataset: DatasetName,
  /** 1, 2, 3… per dataset, never reused. */
  version: z.int().positive(),
  /** Of the logical rows and schema; two versions with one digest hold the same rows. */
  digest: Digest,
  /** Blob with the manifest as JSON. */
  manifestBlob: Digest,
  rows: z.int().nonnegative(),
  /** That the parts take in the blob store, shared ones included. */
  bytes: z.int().nonnegative(),
  parts: z.int().nonnegative(),
  columns: z.array(Column),
  timeColumn: z.string().nullable(),
  keyColumns: z.array(z.string()),
  /** Blob with the manifest of the rows that were set aside. */
  quarantineBlob: Digest.nullable(),
  quarantinedRows: z.int().nonnegative(),
  createdAtMs: z.int(),
  createdBy: z.string(),
})
export type DatasetVersion = Readonly<z.infer<typeof DatasetVersion>>

/** @throws DomainError dataset_name */
export function parseDatasetName(text: string): string {
  if (DatasetName.safeParse(text).success) return text
  throw new DomainError(
    'invalid',
    'dataset_name',
    `"${text}" is no name for a dataset: use letters, digits, dot, dash and underscore, at most 128`,
  )
}

/** Which version: the newest, one by number, one by digest, or the newest that was there at a time. */
export type VersionRef =
  | { readonly version: number }
  | { readonly digest: string }
  | { readonly asOfMs: number }
  | 'latest'

/**
 * `latest`, `3`, a digest of 64 hexadecimal digits, or an ISO 8601 time, UTC unless it names an offset. A time means the end of what it
 * says: `2026-01-31` that day's, `2026-01-31T12:00:00` that second's.
 * @throws DomainError version_ref
 */
export function parseVersionRef(text: string): VersionRef {
  if (text === 'latest') return 'latest'
  if (/^[1-9]\d{0,8}$/v.test(text)) return { version: Number(text) }
  if (Digest.safeParse(text).success) return { digest: text }
  const asOfMs = endOfTime(text)
  if (!Number.isNaN(asOfMs)) return { asOfMs }
  throw new DomainError(
    'invalid',
    'version_ref',
    `"${text}" names no version: write latest, a number, a digest, or a time such as 2026-01-31T12:00:00Z`,
  )
}

const timePattern =
  /^(?<day>\d{4}-\d\d-\d\d)(?:[T ](?<minute>\d\d:\d\d)(?<second>:\d\d)?(?<fraction>\.\d{1,3})?(?<zone>Z|[+\-]\d\d:\d\d)?)?$/v

function endOfTime(text: string): number {
  const { day, minute, second, fraction, zone } = timePattern.exec(text)?.groups ?? {}
  const time = `${minute ?? '23:59'}${second ?? ':59'}${fraction ?? '.999'}`
  return day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone ?? 'Z'}`)
}

/** `flights` or `flights/3` (or `flights/latest`, `flights/<digest>`, `flights/<time>`). @throws DomainError version_ref */
export function parseDatasetRef(text: string): { readonly dataset: string; readonly ref: VersionRef } {
  const slash = text.indexOf('/')
  const [dataset, ref] = slash < 0 ? [text, 'latest'] : [text.slice(0, slash), text.slice(slash + 1)]
  if (!DatasetName.safeParse(dataset).success)
    throw new DomainError('invalid', 'version_ref', `"${text}" names no dataset: write name/version, such as flights/3`)
  return { dataset, ref: parseVersionRef(ref) }
}

/** @param known names of what there is. */
export function datasetNotFound(name: string, known: readonly string[]): DomainError {
  const advice =
    known.length === 0
      ? '"trueloop data ingest" makes one, and so does "trueloop apply" with a loop file'
      : namesHint(name, known)
  return new DomainError('not_found', 'dataset_not_found', `there is no dataset "${name}": ${advice}`)
}

/** @param there the versions that the dataset has: their last number, and when the first was made. */
export function versionNotFound(
  dataset: string,
  ref: VersionRef,
  there: { readonly latest: number; readonly sinceMs: number },
): DomainError {
  const { latest, sinceMs } = there
  const has = latest === 1 ? 'it has version 1 only' : `it has versions 1 to ${latest}`
  return new DomainError(
    'not_found',
    'dataset_version_not_found',
    `dataset "${dataset}" ${lackText(ref, sinceMs)}: ${has}`,
  )
}

function lackText(ref: VersionRef, sinceMs: number): string {
  if (ref === 'latest') return 'has no version'
  if ('version' in ref) return `has no version ${ref.version}`
  if ('digest' in ref) return `has no version with the digest ${ref.digest}`
  return `had no version at ${new Date(ref.asOfMs).toISOString()}, before its first of ${new Date(sinceMs).toISOString()}`
}
