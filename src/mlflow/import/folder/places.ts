// Where the files of a thing really lie: folders are moved, and what they say of themselves is where they were.
import { lstat, realpath } from 'node:fs/promises'
import { isAbsolute, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { FolderDeps } from './deps.ts'
import { listingOf, notFollowed } from './tree.ts'

/** The path that a location names on the machine that wrote it; undefined when it names a bucket or a server. */
export function localPathOf(location: string): string | undefined {
  if (/^file:/iv.test(location)) {
    try {
      return fileURLToPath(location)
    } catch {
      return location.replace(/^file:\/*/iv, '/') // Of another machine's name, or of Windows.
    }
  }
  return /^[a-zA-Z][a-zA-Z0-9+.\-]+:/v.test(location) ? undefined : location
}

/**
 * The location to copy from: as it is when it is none of this machine; the thing's own folder when that holds files; or the folder
 * that it names, when that is in the folder that is imported or in that of `--artifacts`. Nothing else of the machine is read.
 * @param own beside the thing's other files, in the folder that is imported
 */
export async function locationOf(
  deps: FolderDeps,
  { what, location, own }: { what: string; location: string; own: string },
): Promise<string> {
  const named = localPathOf(location)
  if (named === undefined) return location
  if (await hasEntries(own)) return pathToFileURL(own).href
  const path = isAbsolute(named) ? named : resolve(named)
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined) return pathToFileURL(own).href
  for (const folder of [deps.root, deps.artifacts]) {
    const known = await realpath(folder).catch(() => undefined)
    if (known !== undefined && (real === known || real.startsWith(known + sep))) return pathToFileURL(real).href
  }
  const { folders, files } = await listingOf(real).catch(() => ({ folders: [], files: [real] }))
  if (folders.length + files.length > 0)
    deps.note(`The files of ${what} did not come: they lie in ${real}; give --artifacts with a folder around it`)
  return pathToFileURL(own).href
}

/** @throws DomainError import_source when it is a link */
async function hasEntries(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  if (found?.isSymbolicLink()) throw notFollowed(folder)
  if (!found?.isDirectory()) return false
  const { folders, files, others } = await listingOf(folder)
  for (const name of others) throw notFollowed(`${folder}${sep}${name}`)
  return folders.length + files.length > 0
}

/** Where a version's source or storage is, told by the staged location of the run or model whose files it is of. */
export async function sourceOf({ staging }: FolderDeps, source: string): Promise<string> {
  const path = localPathOf(source)?.replaceAll('\\', '/')
  const found = path && /(?<owner>[^\/]+)\/artifacts(?<rest>\/.*)?$/v.exec(path)?.groups
  if (!found) return source
  const [place] = await staging.all(
    `select artifact_uri as location from runs where run_uuid = ?
     union all select artifact_location from logged_models where model_id = ?`,
    [found['owner'], found['owner']],
  )
  return place ? `${String(place['location'])}${found['rest'] ?? ''}` : source
}
