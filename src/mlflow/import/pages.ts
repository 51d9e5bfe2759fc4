// A source's table, a page at a time.
import type { MlflowSource, SourceRow } from './source.ts'

const pageRows = 500

/** By key, so that the source is read a page at a time while the home is written; nothing of a table that an older schema does not have. */
export async function* rowsByKey(
  source: MlflowSource,
  { table, key }: { table: string; key: string },
): AsyncGenerator<SourceRow> {
  if (!(await source.columnsOf(table)).has(key)) return
  for (let after = ''; ;) {
    const page = await source.all(`select * from ${table} where ${key} > ? order by ${key} limit ${pageRows}`, [after])
    yield* page
    const last = page.at(-1)
    if (!last) return
    after = String(last[key])
  }
}
