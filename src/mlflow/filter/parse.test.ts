// Filters and orders as stock MLflow answered them (test/interop/filters_reference.py), and what this parser takes beyond that.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { leavesOf } from '../../platform/condition.ts'
import type { Comparison, Order, Target } from './comparison.ts'
import type { OrderedTarget } from './order.ts'
import { parseFilter, parseOrderBy } from './parse.ts'

interface FoundComparison {
  readonly type: string
  readonly key: string
  readonly comparator: string
  readonly value: unknown
}
interface FoundOrder {
  readonly type: string
  readonly key: string
  readonly ascending: boolean
}
interface Answer<Found> {
  readonly target: Target
  readonly text: string
  readonly found?: Found
  readonly error?: string
  /** Stock's own failure: answered 500. */
  readonly crash?: string
}
const file = new URL('../../../test/interop/filters_reference.json', import.meta.url)
const reference = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly filters: readonly Answer<readonly FoundComparison[]>[]
  readonly orders: readonly Answer<FoundOrder>[]
}

/** Stock refuses them. */
const takenHere: Partial<Record<Target, readonly string[]>> = {
  runs: [
    'metrics.acc < +5',
    'metrics.acc > 1.5E+5',
    'metrics.acc IS NULL',
    'metrics.acc IS NOT NULL',
    "params.lr IN ('a', 'b')",
    "params.lr NOT IN ('a')",
    "status IN ('FINISHED', 'FAILED')",
    "run_name IN ('x', 'y')",
    'metrics.acc > 0.5 OR metrics.loss < 1',
    '(metrics.acc > 0.5)',
    '(metrics.acc > 0.5 AND metrics.loss < 1)',
    'NOT metrics.acc > 0.5',
    'metrics.acc BETWEEN 1 AND 2',
    "params.a = 'x' AND (params.b = 'y')",
  ],
  experiments: ["name like 'a%'", "name IN ('a')", "tags.a ilike 'x'", "tags.a IN ('x')", "name = 'a' OR name = 'b'"],
  registeredModels: ["tags.a IN ('x')", "name = 'a' OR name = 'b'", "`name` = 'a'"],
  modelVersions: ["source_path IN ('a')"],
  loggedModels: ["name = 'a' OR name = 'b'"],
  traces: [
    'timestamp > 5.5',
    "name IN ('x')",
    "run_id IN ('x')",
    "text LIKE '%x%'",
    "tags.a IN ('x')",
    "metadata.a IN ('x')",
    "status = 'OK' OR status = 'ERROR'",
    'end_time DESC',
  ],
  evaluationDatasets: ["name NOT IN ('a')", "created_by IN ('me')", "tags.a IN ('x')", "name = 'a' OR name = 'b'"],
}

/** Refused by both, in other words: stock tells what its SQL lexer made of them, or fails. */
const otherWords: Partial<Record<Target, readonly string[]>> = {
  runs: [
    'metrics.acc > 0x10',
    'metrics.a-b > 0.5',
    'metrics.a/b > 0.5',
    'metrics.acc > 0.5 & metrics.loss < 1',
    'metrics .acc > 0.5',
    '.acc > 0.5',
    'params.lr NOT NULL',
    "params.user-id = 'a'",
    "tags.a.b-c = '1'",
    'tags.a = true',
    'run_id IN (abc)',
    'metrics.acc > 1 + 2',
    "lower(params.lr) = 'a'",
    "params.lr = 'a' garbage",
    'params.a = $1',
    'params.a = ?',
    "params.a = 'x' ORDER BY a",
    '"metrics.acc"',
  ],
  experiments: ["name = 'a' foo"],
  registeredModels: ['tags.a IS NULL', "version = '1'"],
  modelVersions: ['tags.a IS NULL', "source = 'x'"],
  loggedModels: ["creation_time = 'x'", "metrics.loss < 'x'", 'name IS NULL'],
  traces: ["timestamp > 'x'", "text = 'x'"],
}

/** Stock takes them for keys that nobody has, or compares texts by `>` on one attribute alone. */
const refusedHere: Partial<Record<Target, readonly string[]>> = {
  runs: ['metrics. acc > 0.5', 'metrics. > 0.5', "params.a[0] = 'x'", "params.a::text = 'x'"],
  evaluationDatasets: ["name > 'a'"],
}

/** Stock leaves a number in its quotes, or quotes on a name. */
const readHere: Partial<Record<Target, readonly string[]>> = {
  modelVersions: ["version_number = '1'"],
  loggedModels: ['name = "a"', 'attributes.creation_time > 5'],
  traces: ["execution_time = '5'"],
  evaluationDatasets: ["tags.`a` = 'x'"],
}

const entities: Readonly<Record<string, string>> = { param: 'parameter', metadata: 'request_metadata' }
const shown = ({ entity, key, operator, value }: Comparison): FoundComparison => ({
  type: entities[entity] ?? entity,
  key,
  comparator: operator,
  value,
})
const shownOrder = ({ entity, key, isAscending }: Order): FoundOrder => ({
  type: entities[entity] ?? entity,
  key,
  ascending: isAscending,
})
/** Stock turns the values of metrics into numbers later. */
const withNumbers = (found: readonly FoundComparison[]): FoundComparison[] =>
  found.map((each) => (each.type === 'metric' ? { ...each, value: Number(each.value) } : each))

/** Python shows a set in any order. */
const withoutOrder = (text: string): string =>
  text.replaceAll(/\{(?<items>[^\}]*)\}/gv, (_, items: string) => `{${items.split(', ').toSorted().join(', ')}}`)

function answered(read: () => unknown): { found?: unknown; error?: string } {
  try {
    return { found: read() }
  } catch (error) {
    return { error: withoutOrder((error as Error).message) }
  }
}

/** Holds an answer to stock's, or to the list that it stands on. */
function compare<T>({ target, text, found, error = '' }: Answer<T>, got: { found?: unknown; error?: string }): void {
  const where = `${target}: ${text}`
  const isIn = (list: Partial<Record<Target, readonly string[]>>): boolean => list[target]?.includes(text) === true
  if (isIn(takenHere)) expect([where, got.found !== undefined, found]).toEqual([where, true, undefined])
  else if (isIn(otherWords)) {
    expect([where, typeof got.error, found]).toEqual([where, 'string', undefined])
    expect(got.error).not.toBe(withoutOrder(error))
  } else if (isIn(refusedHere)) expect([where, typeof got.error, found !== undefined]).toEqual([where, 'string', true])
  else if (isIn(readHere)) {
    expect([where, got.found !== undefined, found !== undefined]).toEqual([where, true, true])
    expect(got.found).not.toEqual(found)
  } else expect([where, got]).toEqual([where, found === undefined ? { error: withoutOrder(error) } : { found }])
}

test('filters mean what they mean to stock MLflow, and are refused in its words', () => {
  expect(reference.filters.length).toBeGreaterThan(300)
  for (const each of reference.filters) {
    const expected = each.found ? { ...each, found: withNumbers(each.found) } : each
    compare(
      expected,
      answered(() => leavesOf(parseFilter(each.target, each.text)).map(shown)),
    )
  }
})

test('orders mean what they mean to stock MLflow, and are refused in its words', () => {
  expect(reference.orders.length).toBeGreaterThan(70)
  for (const each of reference.orders) {
    compare(
      each,
      answered(() => shownOrder(parseOrderBy(each.target as OrderedTarget, [each.text])[0]!)),
    )
  }
})

const a = { entity: 'param', key: 'a', operator: '=', value: 'x' }
const b = { ...a, key: 'b' }
const c = { ...a, key: 'c' }

test('AND binds closer than OR, NOT closer than both, and parentheses closest', () => {
  const read = (text: string): unknown =>
    parseFilter(
      'runs',
      text.replaceAll(/\b[abc]\b/gv, (key) => `params.${key} = 'x'`),
    )
  expect(read('a or b and c')).toEqual({ any: [a, { all: [b, c] }] })
  expect(read('a AND (b Or c)')).toEqual({ all: [a, { any: [b, c] }] })
  expect(read('not a and b')).toEqual({ all: [{ not: a }, b] })
  expect(read('NOT (a OR NOT b)')).toEqual({ not: { any: [a, { not: b }] } })
  expect(read('(((a)))')).toEqual(a)
  expect(parseFilter('runs', undefined)).toEqual({ all: [] })
})

test('the best of a metric is asked for by min and max', () => {
  const lowest = { entity: 'metric', key: 'val loss', operator: '<', value: 0.1, aggregate: 'min' }
  expect(parseFilter('runs', 'min(metrics.`val loss`) < 0.1')).toEqual(lowest)
  expect(parseFilter('runs', 'MAX(metrics.acc) between 0.5 and 1')).toMatchObject({
    all: [{ aggregate: 'max', operator: '>=', value: 0.5 }, { operator: '<=' }],
  })
  expect(parseOrderBy('runs', ['max(metrics.acc) DESC', 'metrics.acc'])).toEqual([
    { entity: 'metric', key: 'acc', isAscending: false, aggregate: 'max' },
    { entity: 'metric', key: 'acc', isAscending: true },
  ])
  expect(() => parseFilter('runs', "min(params.a) = '1'")).toThrow("Only metrics of runs have min(), not 'params.a'")
  expect(() => parseFilter('loggedModels', 'min(metrics.a) < 1')).toThrow('Only metrics of runs')
})

test('numbers keep all their digits', () => {
  expect(parseFilter('runs', 'start_time > 9223372036854775807')).toMatchObject({ value: 9_223_372_036_854_775_807n })
  expect(parseFilter('runs', 'start_time > -1')).toMatchObject({ value: -1 })
})

test('lists are read as Python reads them', () => {
  const listOf = (list: string): unknown => (parseFilter('runs', `run_id IN ${list}`) as Comparison).value
  expect(listOf(String.raw`('a\'b', "c\n", 'd''e', '\x41\\\u00e9', 'f' "g",)`)).toEqual([
    "a'b",
    'c\n',
    'de',
    'A\\é',
    'fg',
  ])
  for (const list of ["('a' b)", "(,'a')", "('a',,'b')", "('a'", "(('a'))"]) expect(() => listOf(list)).toThrow()
})

test('what is no filter is told so, whatever it is', () => {
  for (const text of [
    '(',
    ')',
    '()',
    'OR',
    "a = 'x' OR",
    '(a',
    'NOT',
    "params.a = 'x' OR AND",
    "NOT params.a = 'x')",
    '\0',
    '"',
    '`',
  ]) {
    expect(() => parseFilter('runs', text)).toThrow()
  }
  const deep = `${'('.repeat(60)}params.a = 'x'${')'.repeat(60)}`
  expect(() => parseFilter('runs', deep)).toThrow('A filter is nested at most 50 deep')
  expect(() => parseFilter('runs', `${'NOT '.repeat(60)}params.a = 'x'`)).toThrow('nested at most 50 deep')
  expect(() => parseFilter('runs', Array(201).fill("params.a = 'x'").join(' OR '))).toThrow('at most 200 comparisons')
  expect(() => parseFilter('runs', `${"\\'".repeat(200_000)}`)).toThrow()
  for (const key of ['__proto__', 'constructor']) {
    expect(() => parseFilter('runs', `${key}.a = 'x'`)).toThrow(`Invalid entity type '${key}'`)
    expect(() => parseFilter('runs', `attributes.${key} = 'x'`)).toThrow(`Invalid attribute key '${key}'`)
    expect(parseFilter('runs', `params.${key} = 'x'`)).toEqual({ ...a, key })
  }
})

test('an order that comes twice is refused', () => {
  expect(() => parseOrderBy('runs', ['metrics.a', 'metric.`a` DESC'])).toThrow(
    "`order_by` contains duplicate fields: ['metrics.a', 'metric.`a` DESC']",
  )
  expect(parseOrderBy('experiments', ['name', 'name DESC'])).toHaveLength(2)
  expect(parseOrderBy('runs')).toEqual([])
})
