// A file that a run, a logged model or a trace left: what its path may be, and where paths begin. Pure.
import { DomainError } from '../platform/errors.ts'

/** UTF-8, from the root of all artifacts; an index of PostgreSQL takes 2,704. */
export const artifactPathBytesMax = 2_000

/** A file of the tree. `path` is below the tree's root, segments parted by `/`; never a path of the file system. */
export interface ArtifactFile {
  readonly path: string
  readonly digest: string
  readonly bytes: number
  readonly mediaType: string
  readonly atMs: number
}

/** What a directory shows: a file, or a directory that is there because files are below it. */
export interface ArtifactEntry {
  /** The last segment only. */
  readonly name: string
  /** Null: a directory. */
  readonly bytes: number | null
}

const decodingsMax = 10

export const artifactPathInvalid = (path: string): DomainError =>
  new DomainError(
    'invalid',
    'artifact_path_invalid',
    `"${path.slice(0, 200)}" is no path of an artifact: write names parted by "/", at most ${artifactPathBytesMax} bytes, without "..", "#", a backslash or control characters, and not from the root of a disk`,
    { path },
  )

export const artifactNotFound = (path: string): DomainError =>
  new DomainError('not_found', 'artifact_not_found', `there is no artifact "${path}"`, { path })

export const artifactIsDirectory = (path: string): DomainError =>
  new DomainError('invalid', 'artifact_is_directory', `artifact "${path}" is a directory: name a file in it`, { path })

export const artifactPathTaken = (path: string): DomainError =>
  new DomainError(
    'conflict',
    'artifact_path_taken',
    `"${path}" is a file where a directory is wanted, or the other way round: choose another name`,
    { path },
  )

/**
 * The path that a client means, decoded until nothing is left to decode, so that no later reader can find another one in it.
 * Empty for the root; `a//b/./c/` is `a/b/c`.
 * @throws DomainError artifact_path_invalid
 */
export function readArtifactPath(text: string): string {
  const path = decoded(text)
  const isAbsolute = path.startsWith('/') || /^[A-Za-z]:(?:\/|$)/v.test(path) || /^file:/iv.test(path)
  if (isAbsolute || /[#\\]|\p{Cc}|\p{Cs}/v.test(path) || Buffer.byteLength(path) > artifactPathBytesMax) {
    throw artifactPathInvalid(text)
  }
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) throw artifactPathInvalid(text)
  return segments.join('/')
}

/** As `readArtifactPath`, of a file that is to be written: it has a name, and no segment is only a dot. @throws DomainError artifact_path_invalid */
export function writableArtifactPath(text: string): string {
  const path = readArtifactPath(text)
  const segments = decoded(text).split('/')
  if (path === '' || segments.at(-1) === '' || segments.includes('.')) throw artifactPathInvalid(text)
  return path
}

/** That a file may have the path: there is nothing to decode or to leave out in it. @throws DomainError artifact_path_invalid */
export function assertArtifactPath(path: string): void {
  if (path === '' || readArtifactPath(path) !== path) throw artifactPathInvalid(path)
}

function decoded(text: string): string {
  let path = text
  for (let turn = 0; turn < decodingsMax; turn++) {
    const next = unquote(path)
    if (next === path) return path
    path = next
  }
  throw artifactPathInvalid(text)
}

/** Percent signs that begin no escape stay; bytes that are no UTF-8 become U+FFFD. */
const unquote = (text: string): string =>
  text.replaceAll(/(?:%[0-9a-f]{2})+/giv, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'))

/** Joins parts of a path, leaving out empty ones. */
export const joinArtifactPath = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join('/')

/** Where an artifact URI of ours begins; a location such as `mlflow-artifacts:/7/models` names a place in the tree. */
const scheme = 'mlflow-artifacts:'

/** The place in the tree that a URI names; undefined when it names none. */
export function treePathOf(uri: string): string | undefined {
  return uri.startsWith(`${scheme}/`) && !uri.startsWith(`${scheme}//`)
    ? readArtifactPath(uri.slice(scheme.length + 1))
    : undefined
}

const textExtensions = new Set(
  (
    'txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst ipynb ' +
    'MLmodel MLproject'
  ).split(' '),
)

/** By extension, as MLflow serves them; anything else is `application/octet-stream`. */
const mediaTypes: Readonly<Record<string, string>> = Object.assign(Object.create(null), {
  avif: 'image/avif',
  bmp: 'image/bmp',
  gif: 'image/gif',
  ico: 'image/vnd.microsoft.icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  png: 'image/png',
  svg: 'image/svg+xml',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  webp: 'image/webp',
  css: 'text/css',
  htm: 'text/html',
  html: 'text/html',
  mjs: 'text/javascript',
  mp3: 'audio/mpeg',
  wav: 'audio/x-wav',
  mp4: 'video/mp4',
  mpeg: 'video/mpeg',
  webm: 'video/webm',
  pdf: 'application/pdf',
  zip: 'application/zip',
  tar: 'application/x-tar',
  h5: 'application/x-hdf5',
  json: 'application/json',
  txt: 'text/plain',
  wasm: 'application/wasm',
})

/** The type that a file of this name is served as: text for what people read, and nothing that a browser would run as itself. */
export function artifactMediaType(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? name.slice(dot + 1) : name
  if (textExtensions.has(extension)) return 'text/plain'
  return (dot > 0 && mediaTypes[extension.toLowerCase()]) || 'application/octet-stream'
}
