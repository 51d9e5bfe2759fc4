// Query results as typed arrays, chunk by chunk and without an object per row.
import type { DuckDBDataChunk, DuckDBResult, DuckDBType, DuckDBVector } from '@duckdb/node-api'

/** The moment that stands for "no time here": the least int64. */
const missingMicros = -(2n ** 63n)
const firstCapacity = 4096

/** One column of a result. */
export type ColumnArray =
  /** NaN where the value is null. Booleans are 0 and 1. Integers beyond 2^53 lose digits. */
  | { readonly kind: 'number'; readonly values: Float64Array }
  /** `codes` index `categories` (distinct values in code-point order); -1 is null. */
  | { readonly kind: 'string'; readonly codes: Int32Array; readonly categories: readonly string[] }
  /** Microseconds since 1970 in UTC; null is the least int64. */
  | { readonly kind: 'time'; readonly micros: BigInt64Array }

export interface Columnar {
  readonly rowCount: number
  readonly columns: ReadonlyMap<string, ColumnArray>
}

interface Collector {
  add(vector: DuckDBVector, count: number): void
  finish(): ColumnArray
}

/** Reads a (streamed) result to its end. */
export async function collectColumns(result: DuckDBResult): Promise<Columnar> {
  const names = result.columnNames()
  const collectors = result.columnTypes().map((type, index) => collectorOf(type, names[index]!))
  let rowCount = 0
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    addChunk(collectors, chunk)
    rowCount += chunk.rowCount
  }
  return { rowCount, columns: new Map(collectors.map((collector, index) => [names[index]!, collector.finish()])) }
}

function addChunk(collectors: readonly Collector[], chunk: DuckDBDataChunk): void {
  for (const [index, collector] of collectors.entries()) collector.add(chunk.getColumnVector(index), chunk.rowCount)
}

function collectorOf(type: DuckDBType, name: string): Collector {
  const text = type.toString()
  if (/^(?:BOOLEAN|U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE)$/v.test(text)) return numbers()
  if (text === 'VARCHAR' || text.startsWith('ENUM')) return strings()
  if (text === 'TIMESTAMP' || text === 'TIMESTAMP WITH TIME ZONE')
    return times((value) => (value as { micros: bigint }).micros)
  if (text === 'DATE') return times((value) => BigInt((value as { days: number }).days) * 86_400_000_000n)
  throw new Error(`column "${name}" is ${text}, which has no typed array: cast it in the query`)
}

function numbers(): Collector {
  let values = new Float64Array(firstCapacity)
  let length = 0
  return {
    add(vector, count) {
      if (length + count > values.length) values = grown(values, new Float64Array(capacityFor(length + count)))
      for (let i = 0; i < count; i++) {
        const item = vector.getItem(i)
        values[length++] = item === null ? Number.NaN : Number(item)
      }
    },
    finish: () => ({ kind: 'number', values: values.slice(0, length) }),
  }
}

function times(microsOf: (value: unknown) => bigint): Collector {
  let micros = new BigInt64Array(firstCapacity)
  let length = 0
  return {
    add(vector, count) {
      if (length + count > micros.length) micros = grown(micros, new BigInt64Array(capacityFor(length + count)))
      for (let i = 0; i < count; i++) {
        const item = vector.getItem(i)
        micros[length++] = item === null ? missingMicros : microsOf(item)
      }
    },
    finish: () => ({ kind: 'time', micros: micros.slice(0, length) }),
  }
}

function strings(): Collector {
  let codes = new Int32Array(firstCapacity)
  let length = 0
  const codeOf = new Map<string, number>()
  return {
    add(vector, count) {
      if (length + count > codes.length) codes = grown(codes, new Int32Array(capacityFor(length + count)))
      for (let i = 0; i < count; i++) {
        const item = vector.getItem(i) as string | null
        let code = -1
        if (item !== null) {
          const known = codeOf.get(item)
          code = known ?? codeOf.size
          if (known === undefined) codeOf.set(item, code)
        }
        codes[length++] = code
      }
    },
    finish: () => sortedCategories(codes.slice(0, length), [...codeOf.keys()]),
  }
}

/** Codes in the order of the categories, so that they do not depend on which row came first. */
function sortedCategories(codes: Int32Array, seen: readonly string[]): ColumnArray {
  const order = seen.map((_, index) => index).toSorted((a, b) => (seen[a]! < seen[b]! ? -1 : 1))
  const newCode = new Int32Array(seen.length)
  order.forEach((old, code) => (newCode[old] = code))
  for (let i = 0; i < codes.length; i++) if (codes[i]! >= 0) codes[i] = newCode[codes[i]!]!
  return { kind: 'string', codes, categories: order.map((old) => seen[old]!) }
}

const capacityFor = (length: number): number => 2 ** Math.ceil(Math.log2(length))

function grown<A extends { set(values: A): void }>(from: A, to: A): A {
  to.set(from)
  return to
}
