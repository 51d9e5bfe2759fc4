// Filters on spans as SQL: one span must pass all that are asked together.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { comparisonRefused, type TraceComparison } from './comparison.ts'
import { textMatches } from './text.ts'

type Sql = RawBuilder<boolean>

const columns: Readonly<Record<string, string | undefined>> = { name: 'name', type: 'type', status: 'status' }
const attributePrefix = 'attributes.'

export function spanExists(kind: DatabaseKind, comparisons: readonly TraceComparison[]): Sql {
  const ofContent = comparisons.filter(({ key }) => columns[key] === undefined)
  const ofRow = comparisons.filter(({ key }) => columns[key] !== undefined)
  const rows = ofRow.map((each) => textMatches(kind, sql.ref(`s.${columns[each.key]}`), each))
  const contents = ofContent.map((each) => contentMatches(kind, each))
  if (rows.length === 0) {
    return sql`exists (select 1 from span_content c where c.trace_no = t.no and ${sql.join(contents, sql` and `)})`
  }
  const content =
    contents.length === 0
      ? []
      : [
          sql`exists (select 1 from span_content c where c.trace_no = s.trace_no and c.span_id = s.span_id and ${sql.join(contents, sql` and `)})`,
        ]
  return sql`exists (select 1 from span s where s.trace_no = t.no and ${sql.join([...rows, ...content], sql` and `)})`
}

function contentMatches(kind: DatabaseKind, comparison: TraceComparison): Sql {
  const { key } = comparison
  if (key === 'content') {
    if (comparison.operator !== 'LIKE' && comparison.operator !== 'ILIKE') throw comparisonRefused(comparison)
    return textMatches(kind, sql`c.content`, comparison)
  }
  if (!key.startsWith(attributePrefix)) throw comparisonRefused(comparison)
  const name = key.slice(attributePrefix.length).replace(/^`(?<inner>.*)`$/v, '$<inner>')
  // Most spans lack the attribute or the value, and to look for its letters is quicker than to parse their text.
  const { operator, value } = comparison
  const needed = [
    `${JSON.stringify(name)}:`,
    ...(operator === '=' && typeof value === 'string' ? [lettersOf(value)] : []),
  ]
  const mentions = needed.map((letters) =>
    kind === 'postgres' ? sql`strpos(c.content, ${letters}) > 0` : sql`instr(c.content, ${letters}) > 0`,
  )
  const attribute = kind === 'postgres' ? postgresAttribute(name) : sqliteAttribute(name)
  return sql`(${sql.join([...mentions, textMatches(kind, attribute, comparison)], sql` and `)})`
}

/** As they stand in JSON in JSON. */
const lettersOf = (value: string): string => JSON.stringify(JSON.stringify(value)).slice(3, -3)

/** Attributes are JSON texts: of a string what it says, of anything else its JSON. */
const postgresAttribute = (name: string): RawBuilder<unknown> =>
  sql`(select case when v.text like '"%' then v.text::json #>> '{}' else v.text end from (select c.content::json -> 'attributes' ->> ${name}::text as text) v)`

const sqliteAttribute = (name: string): RawBuilder<unknown> =>
  sql`(select case when v.value like '"%' then json_extract(v.value, '$') else v.value end from json_each(c.content, '$.attributes') v where v.key = ${name})`
