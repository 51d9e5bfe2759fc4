// The models that a condition leaves when they are few: then a search reads those, and does not walk its order past all others.
import { sql } from 'kysely'
import type { Condition } from '../../platform/condition.ts'
import { on, type Connection } from '../../platform/database.ts'
import type { Reader } from '../../platform/reader.ts'
import {
  matchesOf,
  measuredOn,
  type ComparisonContext,
  type LoggedModelComparison,
  type Matches,
} from './comparison.ts'

/** Beyond it, walking the order finds a page soon enough. */
const fewMax = 1000

export interface FewDeps {
  readonly db: Connection<unknown>
  readonly reader: Reader
  readonly context: ComparisonContext
}

/** Ids of a superset of the models that pass; undefined when every part leaves many, or no index answers it. */
export async function findFew(
  deps: FewDeps,
  condition: Condition<LoggedModelComparison>,
): Promise<ReadonlySet<string> | undefined> {
  if ('not' in condition) return undefined
  if ('all' in condition) {
    for (const part of condition.all) {
      const few = await findFew(deps, part)
      if (few) return few
    }
    return undefined
  }
  if ('any' in condition) {
    let together = new Set<string>()
    for (const part of condition.any) {
      const few = await findFew(deps, part)
      if (!few || together.size + few.size > fewMax) return undefined
      together = together.union(few)
    }
    return together
  }
  return isIndexed(condition) ? probe(deps, matchesOf(condition, deps.context)) : undefined
}

/** Ids of the models that were measured on the context's datasets; undefined when those are many. */
export const findFewMeasured = (deps: FewDeps): Promise<ReadonlySet<string> | undefined> =>
  probe(deps, {
    table: sql`logged_model_metric p`,
    id: sql`p.model_id`,
    condition: measuredOn(deps.context.datasets),
  })

const indexedAttributes = new Set(['id', 'name', 'sourceRunId'])

const isIndexed = ({ entity, key, operator }: LoggedModelComparison): boolean =>
  entity === 'attribute'
    ? indexedAttributes.has(key) && (operator === '=' || operator === 'IN')
    : operator !== '!=' && operator !== 'NOT IN'

/** Ids of the models of the experiments; undefined when those are many. */
export const findFewOfExperiments = (
  deps: FewDeps,
  experimentIds: readonly number[],
): Promise<ReadonlySet<string> | undefined> =>
  probe(deps, {
    table: sql`logged_model m`,
    id: sql`m.id`,
    condition: sql`m.experiment_id in (${sql.join([...experimentIds])})`,
  })

async function probe(
  { db, reader }: FewDeps,
  { table, id, condition }: Matches,
): Promise<ReadonlySet<string> | undefined> {
  const query = sql<{ id: string }>`select ${id} as id from ${table} where ${condition} limit ${fewMax + 1}`
  const rows = await reader.all(query.compile(on(db)))
  return rows.length <= fewMax ? new Set(rows.map((row) => row.id)) : undefined
}
