// The runs that a filter leaves when they are few: then the search reads those, and does not walk its order past a hundred thousand others.
import { sql, type RawBuilder } from 'kysely'
import { on, type Db } from '../../platform/database.ts'
import type { ExperimentTables } from '../tables.ts'
import { parseField, type RunFilter } from './filter.ts'

/** Beyond it, walking the order finds a page soon enough. */
const fewMax = 1000

/** Ids of a superset of the runs that pass all filters; undefined when every filter that an index answers leaves many. */
export async function findFew(
  db: Db<ExperimentTables>,
  filters: readonly RunFilter[],
): Promise<readonly string[] | undefined> {
  for (const filter of filters) {
    const query = indexedQuery(filter)
    if (!query) continue
    const { rows } = await sql<{ id: string }>`${query} limit ${fewMax + 1}`.execute(on(db))
    if (rows.length <= fewMax) return [...new Set(rows.map(({ id }) => id))]
  }
  return undefined
}

function indexedQuery({ field: text, operator, value }: RunFilter): RawBuilder<unknown> | undefined {
  const field = parseField(text)
  if (field.kind === 'metric') {
    // One end of the index of values; `=` is both.
    const bounds = { '>': sql`>`, '>=': sql`>=`, '<': sql`<`, '<=': sql`<=`, '=': sql`=` }
    const compare = operator in bounds ? bounds[operator as keyof typeof bounds] : undefined
    const bound = Number(value)
    if (!compare || Number.isNaN(bound)) return undefined
    return sql`select run_id as id from run_metric where key = ${field.key} and latest_is_nan = 0 and latest ${compare} ${bound}`
  }
  if (operator !== '=' || typeof value !== 'string') return undefined
  if (field.kind === 'input')
    return sql`select i.run_id as id from logged_dataset f inner join run_dataset i on i.dataset_id = f.id where f.dataset_version = ${value}`
  if (field.kind !== 'param' && field.kind !== 'tag') return undefined
  const table = sql.table(field.kind === 'param' ? 'run_param' : 'run_tag')
  const start = sql`substr(cast(${value} as text), 1, 200)` // As in the index.
  return sql`select run_id as id from ${table} where key = ${field.key} and substr(value, 1, 200) = ${start} and value = ${value}`
}
