// Names and values as DuckDB SQL text: the only two ways that something from outside gets into a statement. Pure.

/** Values that become literals. A bigint is an integer; a Date is an instant in UTC. */
export type LiteralValue = string | number | bigint | boolean | Date | null

/** A column, table or view name as it is, whatever characters it holds. */
export function quoteName(name: string): string {
  if (name.includes('\0')) throw new Error('a name holds a NUL character')
  return `"${name.replaceAll('"', '""')}"`
}

/** A value as a literal in parentheses, so that no operator before it can join with it (`x -(-1)`, not the comment `x --1`). */
export function literal(value: LiteralValue): string {
  if (value === null) return '(NULL)'
  if (typeof value === 'boolean') return value ? '(true)' : '(false)'
  if (typeof value === 'bigint') return `(${value})`
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? `(${value})` : `(${quoteText(String(value))}::DOUBLE)`
  if (value instanceof Date) return `(TIMESTAMP ${quoteText(value.toISOString().replace('T', ' ').replace('Z', ''))})`
  return `(${quoteText(value)})`
}

function quoteText(text: string): string {
  if (text.includes('\0')) throw new Error('a text value holds a NUL character')
  return `'${text.replaceAll("'", "''")}'`
}

/** A list of literals, `[(1), (2)]`. */
export const literalList = (values: readonly LiteralValue[]): string => `[${values.map(literal).join(', ')}]`
