// How a column of a source becomes one of our six types. Pure.
import { DomainError } from '../../platform/errors.ts'
import { literal, quoteName } from '../../platform/tables-sql.ts'
import type { ColumnType } from '../manifest.ts'
import type { ColumnOverride } from '../source.ts'

export interface SourceColumn {
  readonly name: string
  /** DuckDB's name of its type in the source. */
  readonly sourceType: string
}

export interface CastColumn {
  readonly name: string
  readonly type: ColumnType
  /** Of the source's column, fails on a value that does not fit. */
  readonly sql: string
  /** As `sql`, but null for such a value. */
  readonly tried: string
}

/** DuckDB's type for each of ours. A time stamp is stored without an offset and always means UTC. */
export const duckTypeOf: Readonly<Record<ColumnType, string>> = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
}

const divisorOf = { timestamp_s: 1_000_000, timestamp_ms: 1_000, timestamp_us: 1 } as const

export const typeOfOverride = (override: ColumnOverride): ColumnType =>
  override in divisorOf ? 'timestamp' : (override as ColumnType)

/**
 * `isText`: what `sourceType` says comes as the source's own text.
 * @throws DomainError column_type_unsupported for bytes and the like, unless an override says how to read them.
 */
export function castColumn(
  { name, sourceType }: SourceColumn,
  { override, zone, isText = false }: { override?: ColumnOverride | undefined; zone: string; isText?: boolean },
): CastColumn {
  const column = quoteName(name)
  const cast = (type: ColumnType, sql: string): CastColumn => ({
    name,
    type,
    sql,
    tried: sql.replaceAll('CAST(', 'TRY_CAST('),
  })
  if (override && override in divisorOf) {
    const factor = divisorOf[override as keyof typeof divisorOf]
    return cast('timestamp', `make_timestamp(CAST(round(CAST(${column} AS DECIMAL(38, 6)) * ${factor}) AS BIGINT))`)
  }
  const type = override ? typeOfOverride(override) : inferredType({ name, sourceType })
  if (isText && sourceType === 'BIGINT') return { name, type, ...integerSql(column) }
  if (isText && type === 'timestamp') return cast(type, `(CAST(${column} AS ${sourceType}) AT TIME ZONE 'UTC')`)
  if (type === 'timestamp') return cast(type, momentSql(column, sourceType, zone))
  const nested = /[\[\]\(]|^JSON$/v.test(sourceType) && !sourceType.startsWith('DECIMAL')
  if (type === 'string' && nested) return cast(type, `CAST(to_json(${column}) AS VARCHAR)`)
  return cast(type, sourceType === duckTypeOf[type] ? column : `CAST(${column} AS ${duckTypeOf[type]})`)
}

/** Also of `3.0` and `1e3`, as some programs write whole numbers. */
function integerSql(column: string): Pick<CastColumn, 'sql' | 'tried'> {
  const plain = `regexp_full_match(${column}, '[^.eE]*')`
  const sql = (cast: string, misfit: string): string => {
    const whole = `${cast}(${column} AS BIGINT)`
    return `CASE WHEN ${column} IS NULL OR ${plain} OR ${cast}(${column} AS DOUBLE) = ${whole} THEN ${whole} ELSE ${misfit} END`
  }
  return { sql: sql('CAST', `error('Conversion Error: no whole number')`), tried: sql('TRY_CAST', 'NULL') }
}

function momentSql(column: string, sourceType: string, zone: string): string {
  if (sourceType === 'TIMESTAMP WITH TIME ZONE') return `(${column} AT TIME ZONE 'UTC')`
  const naive = sourceType === 'TIMESTAMP' ? column : `CAST(${column} AS TIMESTAMP)`
  // A day has no time of day that a zone could move.
  return zone === 'UTC' || sourceType === 'DATE'
    ? naive
    : `((${naive} AT TIME ZONE ${literal(zone)}) AT TIME ZONE 'UTC')`
}

function inferredType({ name, sourceType }: SourceColumn): ColumnType {
  if (sourceType === 'BOOLEAN') return 'boolean'
  if (/^(?:(?:TINY|SMALL|BIG|UTINY|USMALL)INT|U?INTEGER)$/v.test(sourceType)) return 'integer'
  if (/^(?:FLOAT|DOUBLE|U?HUGEINT|UBIGINT)$/v.test(sourceType)) return 'double'
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/v.exec(sourceType)
  if (decimal) return decimal[2] === '0' && Number(decimal[1]) <= 18 ? 'integer' : 'double'
  if (sourceType.startsWith('TIMESTAMP')) return 'timestamp'
  if (sourceType === 'DATE') return 'date'
  if (sourceType === 'BLOB' || sourceType === 'BIT') {
    throw new DomainError(
      'invalid',
      'column_type_unsupported',
      `column "${name}" holds ${sourceType}, which a table here cannot: leave it out with select`,
      { column: name },
    )
  }
  return 'string'
}
