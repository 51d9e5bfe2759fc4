// The only file that reads or writes the table artifact: the tree of files that runs, logged models and traces left.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { ArtifactFile } from '../artifact.ts'
import type { ArtifactTables } from '../tables.ts'

type Row = ArtifactTables['artifact']

const fileOf = (row: Row): ArtifactFile => ({
  path: row.path,
  digest: row.digest,
  bytes: row.bytes,
  mediaType: row.media_type,
  atMs: row.at_ms,
})

/** All paths below a directory lie between the two, the second left out; `0` is the character after `/`. */
export const rangeOf = (directory: string): { from: string; to: string | undefined } =>
  directory === '' ? { from: '', to: undefined } : { from: `${directory}/`, to: `${directory}0` }

export async function findFile(db: Db<ArtifactTables>, path: string): Promise<ArtifactFile | undefined> {
  const row = await on(db).selectFrom('artifact').selectAll().where('path', '=', path).executeTakeFirst()
  return row && fileOf(row)
}

/** Where reading begins: at a path, or after one. */
export type FileCursor = { readonly from: string } | { readonly after: string }

/** In the order of paths, those below `directory` at whatever depth. */
export async function readFiles(
  db: Db<ArtifactTables>,
  directory: string,
  { cursor, limit }: { cursor?: FileCursor | undefined; limit: number },
): Promise<ArtifactFile[]> {
  const range = rangeOf(directory)
  const start = cursor ?? { from: range.from }
  let query = on(db).selectFrom('artifact').selectAll().orderBy('path').limit(limit)
  query = 'from' in start ? query.where('path', '>=', start.from) : query.where('path', '>', start.after)
  if (range.to !== undefined) query = query.where('path', '<', range.to)
  return (await query.execute()).map(fileOf)
}

export async function hasFilesBelow(db: Db<ArtifactTables>, directory: string): Promise<boolean> {
  const { from, to } = rangeOf(directory)
  let query = on(db).selectFrom('artifact').select('path').where('path', '>=', from).limit(1)
  if (to !== undefined) query = query.where('path', '<', to)
  return (await query.executeTakeFirst()) !== undefined
}

/** One of the paths that is a file. */
export async function firstFileOf(db: Db<ArtifactTables>, paths: readonly string[]): Promise<string | undefined> {
  if (paths.length === 0) return undefined
  const row = await on(db)
    .selectFrom('artifact')
    .select('path')
    .where('path', 'in', [...paths])
    .limit(1)
    .executeTakeFirst()
  return row?.path
}

/** Names the bytes from now on, whatever it named before. */
export async function putFile(db: Db<ArtifactTables>, { path, ...file }: ArtifactFile): Promise<void> {
  const change = { digest: file.digest, bytes: file.bytes, media_type: file.mediaType, at_ms: file.atMs }
  await on(db)
    .insertInto('artifact')
    .values({ path, ...change })
    .onConflict((c) => c.column('path').doUpdateSet(change))
    .execute()
}

/** The file itself and up to `limit` of what is below it, in the order of paths. Answers how many went and their bytes. */
export async function deleteFiles(
  trx: Transaction<ArtifactTables>,
  path: string,
  limit: number,
): Promise<{ files: number; bytes: number }> {
  const itself = path === '' ? undefined : await findFile(trx, path)
  const below = await readFiles(trx, path, { limit })
  const files = [...(itself ? [itself] : []), ...below]
  const last = below.at(-1)
  if (itself) await on(trx).deleteFrom('artifact').where('path', '=', path).execute()
  if (last) {
    const { from } = rangeOf(path)
    await on(trx).deleteFrom('artifact').where('path', '>=', from).where('path', '<=', last.path).execute()
  }
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}
