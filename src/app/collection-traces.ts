// Files of traces that are gone: a trace is deleted at once, with its rows; its files follow with the next collection.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { joinArtifactPath, treePathOf } from '../artifacts/artifact.ts'
import { listDirectory, listFiles } from '../artifacts/artifacts.ts'
import { on, type Connection } from '../platform/database.ts'
import type { Tables } from './tables.ts'

const askedAtOnce = 500
const filesAtOnce = 1_000

/** Trees of traces that are not there, whose files are all older: a client may send a trace's files before the trace. */
export async function* abandonedTraceTrees(db: Connection<Tables>, beforeMs: number): AsyncIterable<string> {
  for (const folder of await traceFolders(db)) {
    let after: string | undefined
    do {
      const page = await listDirectory(db, folder, { after, limit: askedAtOnce })
      const ids = page.entries.filter(({ bytes }) => bytes === null).map(({ name }) => name)
      const known = await knownTraces(db, ids)
      for (const id of ids.filter((each) => !known.has(each))) {
        const tree = `${folder}/${id}/artifacts`
        if (await isOlder(db, tree, beforeMs)) yield tree
      }
      after = page.next
      await nextTurn()
    } while (after !== undefined)
  }
}

/** Experiments may have one place in common. */
async function traceFolders(db: Connection<Tables>): Promise<ReadonlySet<string>> {
  const rows = await on(db).selectFrom('experiment').select('artifact_location').distinct().execute()
  return new Set(
    rows.flatMap(({ artifact_location: uri }) => {
      const place = uri.startsWith('mlflow-artifacts:/') ? treePathOf(uri) : undefined
      return place === undefined ? [] : [joinArtifactPath(place, 'traces')]
    }),
  )
}

async function knownTraces(db: Connection<Tables>, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await on(db)
    .selectFrom('trace')
    .select('id')
    .where('id', 'in', [...ids])
    .execute()
  return new Set(rows.map(({ id }) => id))
}

async function isOlder(db: Connection<Tables>, tree: string, beforeMs: number): Promise<boolean> {
  let after: string | undefined
  for (;;) {
    const files = await listFiles(db, tree, { after, limit: filesAtOnce })
    if (files.some(({ atMs }) => atMs >= beforeMs)) return false
    after = files.at(-1)?.path
    if (files.length < filesAtOnce) return after !== undefined
  }
}
