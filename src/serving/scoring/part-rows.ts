// The rows of one part as columns that models/rows.ts takes: what a value may be is decided there, as for a request.
import type { ColumnArray, Columnar } from '../../platform/tables-columnar.ts'
import type { Tables } from '../../platform/tables.ts'
import { literal, quoteName } from '../../platform/tables-sql.ts'
import type { ColumnInput } from '../../models/rows.ts'
import type { ScoringPart, ScoringPlan } from './plan.ts'

/** The part's rows as a FROM clause; `file_row_number` is the place in the whole input. */
export const rowsSql = ({ rows }: ScoringPlan, { from, to }: ScoringPart): string =>
  `(SELECT * FROM read_parquet(${literal(rows)}, file_row_number = true) WHERE file_row_number >= ${literal(from)} AND file_row_number < ${literal(to)})`

/** In the order of the input. Columns that the input lacks are left out: whether the model needs them, models/rows.ts says. */
export async function readPart(
  tables: Tables,
  plan: ScoringPlan,
  part: ScoringPart,
): Promise<Record<string, ColumnInput>> {
  const source = rowsSql(plan, part)
  const wanted = plan.columns.filter(({ name }) => plan.signature.inputs.some((input) => input.name === name))
  const long = await longColumns(tables, { source, integers: wanted.filter(({ type }) => type === 'integer') })
  const list = wanted.map(({ name }) => {
    const column = quoteName(name)
    return long.has(name) ? `CAST(${column} AS VARCHAR) AS ${column}` : column
  })
  // Without a prototype: a column may be named "constructor".
  const columns = Object.create(null) as Record<string, ColumnInput>
  if (list.length === 0) return columns
  const found = await tables.columnar(`SELECT ${list.join(', ')} FROM ${source} ORDER BY file_row_number`)
  for (const { name } of wanted) columns[name] = inputOf(found, name, long.has(name))
  return columns
}

/** Of the columns of whole numbers those that a double cannot hold. */
async function longColumns(
  tables: Tables,
  { source, integers }: { source: string; integers: readonly { readonly name: string }[] },
): Promise<ReadonlySet<string>> {
  if (integers.length === 0) return new Set()
  const tests = integers.map(({ name }, at) => `coalesce(bool_or(${isLong(quoteName(name))}), false) AS c${at}`)
  const [row] = await tables.rows(`SELECT ${tests.join(', ')} FROM ${source}`)
  return new Set(integers.filter((_, at) => row?.[`c${at}`] === true).map(({ name }) => name))
}

const isLong = (column: string): string =>
  `${column} > ${literal(Number.MAX_SAFE_INTEGER)} OR ${column} < ${literal(Number.MIN_SAFE_INTEGER)}`

function inputOf({ columns }: Columnar, name: string, isLongNumber: boolean): ColumnInput {
  const found: ColumnArray = columns.get(name)!
  if (found.kind === 'number') return found.values
  if (found.kind === 'time') return found.micros
  const texts = Array.from(found.codes, (code) => (code < 0 ? null : found.categories[code]!))
  return isLongNumber ? texts.map((text) => (text === null ? null : BigInt(text))) : texts
}
