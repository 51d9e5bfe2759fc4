// A code snapshot: the files of a project by their content. Pure: what a manifest may say, so that nobody can be made to write elsewhere.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'

export const snapshotBytesMax = 50 * 1024 * 1024
export const snapshotFilesMax = 20_000
const pathLengthMax = 4096

const Digest = z.string().regex(/^[0-9a-f]{64}$/v, 'a sha256 in lower-case hexadecimal digits')

/** Relative, with `/`, and to nowhere but below the folder; never a part of a repository's own data. */
const SnapshotPath = z
  .string()
  .max(pathLengthMax)
  .refine(
    (path) => !path.includes('\0') && path.split('/').every((name) => !notNames.has(name.toLowerCase())),
    'a path within the folder',
  )
const notNames: ReadonlySet<string> = new Set(['', '.', '..', '.git'])

/** `link` holds the target's text, and is never followed. */
const SnapshotFile = z.strictObject({
  path: SnapshotPath,
  digest: Digest,
  bytes: z.int().nonnegative(),
  mode: z.enum(['file', 'executable', 'link']),
})
export type SnapshotFile = Readonly<z.infer<typeof SnapshotFile>>

export const SnapshotManifest = z
  .strictObject({
    version: z.literal(1),
    /** Sorted by path. */
    files: z.array(SnapshotFile).max(snapshotFilesMax),
  })
  .superRefine(({ files }, context) => {
    const complain = (message: string): void => context.addIssue({ code: 'custom', path: ['files'], message })
    const paths = new Set(files.map(({ path }) => path))
    if (paths.size < files.length) complain('a path is there twice')
    // Below a link lies somebody else's folder.
    if (files.some(({ path }) => parentsOf(path).some((parent) => paths.has(parent)))) complain('a file is no folder')
    if (bytesOf(files) > snapshotBytesMax) complain(`at most ${snapshotBytesMax} bytes together`)
  })
export type SnapshotManifest = Readonly<z.infer<typeof SnapshotManifest>>

export const bytesOf = (files: readonly { readonly bytes: number }[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes, 0)

/** Those that have a blob: nothing is nothing wherever it is. */
export const storedFiles = (files: readonly SnapshotFile[]): SnapshotFile[] => files.filter(({ bytes }) => bytes > 0)

/** `a/b/c` lies in `a` and in `a/b`. */
const parentsOf = (path: string): string[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, depth, names) => names.slice(0, depth + 1).join('/'))

/** The manifest that these bytes are. @throws DomainError snapshot_invalid */
export function parseSnapshot(bytes: Uint8Array): SnapshotManifest {
  const parsed = SnapshotManifest.safeParse(parseOrUndefined(bytes))
  if (parsed.success) return parsed.data
  throw snapshotInvalid(z.prettifyError(parsed.error))
}

function parseOrUndefined(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

export const snapshotInvalid = (why: string): DomainError =>
  new DomainError(
    'invalid',
    'snapshot_invalid',
    `this is no code snapshot (${why}): take it with "trueloop apply", which sends it`,
  )
