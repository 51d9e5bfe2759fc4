// The models that a condition leaves when they are few: then a search reads those, and does not walk its order past all others.
import { sql } from 'kysely'
import type { Condition } from '../../platform/condition.ts'
import { on, type Connection } from '../../platform/database.ts'
import type { Reader } from '../../platform/reader.ts'
import { matchesOf, type ComparisonContext, type LoggedModelComparison } from './comparison.ts'

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
  return isIndexed(condition) ? probe(deps, condition) : undefined
}

const indexedAttributes = new Set(['id', 'name', 'sourceRunId'])

const isIndexed = ({ entity, key, operator }: LoggedModelComparison): boolean =>
  entity === 'attribute'
    ? indexedAttributes.has(key) && (operator === '=' || operator === 'IN')
    : operator !== '!=' && operator !== 'NOT IN'

async function probe(
  { db, reader, context }: FewDeps,
  comparison: LoggedModelComparison,
): Promise<ReadonlySet<string> | undefined> {
  const { table, id, condition } = matchesOf(comparison, context)
  const query = sql<{ id: string }>`select ${id} as id from ${table} where ${condition} limit ${fewMax + 1}`
  const rows = await reader.all(query.compile(on(db)))
  return rows.length <= fewMax ? new Set(rows.map((row) => row.id)) : undefined
}
