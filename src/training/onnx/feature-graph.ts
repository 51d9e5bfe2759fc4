// The first part of every exported graph: raw columns in, features out, computed as `feature.ts` computes them.
import { MICROS_PER_DAY, MICROS_PER_MINUTE, WEEKDAY_OF_DAY_ZERO, type CalendarPart } from '../calendar.ts'
import { unseenCode, type Feature } from '../feature.ts'
import { MISSING_MICROS, type FrameColumn } from '../frame.ts'
import { ML_DOMAIN, type ElementType, type Graph } from './graph.ts'

const INPUT_TYPES: Readonly<Record<FrameColumn['kind'], ElementType>> = {
  number: 'float',
  category: 'string',
  time: 'int64',
}

/** Declares an input `[N, 1]` for each column. */
export function addInputs(graph: Graph, columns: readonly Pick<FrameColumn, 'name' | 'kind'>[]): void {
  for (const { name, kind } of columns) graph.input({ name, type: INPUT_TYPES[kind], dims: ['N', 1] })
}

/** Moments as calendar parts, float32 `[N, parts]`, NaN where the moment is missing. */
export function addCalendar(graph: Graph, column: string, parts: readonly CalendarPart[]): string {
  const calendar = calendarOf(graph, column)
  const whole = parts.map((part) => calendar(part))
  const joined = whole.length === 1 ? whole[0]! : graph.node('Concat', whole, { attributes: { axis: { integer: 1 } } })
  const numbers = graph.node('Cast', [joined], { attributes: { to: { integer: 1 } } })
  const missing = graph.node('Equal', [
    column,
    graph.constant({ type: 'int64', dims: [1, 1], values: [MISSING_MICROS] }),
  ])
  return graph.node('Where', [missing, graph.constant({ type: 'float', dims: [1, 1], values: [NaN] }), numbers])
}

/** A calendar part less `first`, int64 `[N, 1]`, and another index where the moment is missing. */
export function addCalendarIndex(
  graph: Graph,
  { column, part }: Feature & { kind: 'calendar' },
  index: { first: number; missing: number },
): string {
  const scalar = (value: number | bigint) => graph.constant({ type: 'int64', dims: [1, 1], values: [value] })
  const value = calendarOf(graph, column)(part)
  const shifted = index.first === 0 ? value : graph.node('Sub', [value, scalar(index.first)])
  return graph.node('Where', [graph.node('Equal', [column, scalar(MISSING_MICROS)]), scalar(index.missing), shifted])
}

/**
 * What is known about each category, int64 `[N, 1]`: `valueOf` of its code, of the unseen code for any string that is no category, and of -1
 * for `''`.
 */
export function addCodes(
  graph: Graph,
  feature: Feature & { kind: 'category' },
  valueOf: (code: number) => number,
): string {
  const keys = [...feature.categories, '']
  const values = keys.map((key, code) => valueOf(key === '' ? -1 : code))
  const attributes = {
    keys_strings: { texts: keys },
    values_int64s: { integers: values },
    default_int64: { integer: valueOf(unseenCode(feature)) },
  }
  return graph.node('LabelEncoder', [feature.column], { domain: ML_DOMAIN, attributes })
}

/** As {@link addCodes}, with float32 values. */
export function addCategoryValues(
  graph: Graph,
  feature: Feature & { kind: 'category' },
  valueOf: (code: number) => number,
): string {
  const keys = [...feature.categories, '']
  const values = keys.map((key, code) => valueOf(key === '' ? -1 : code))
  const attributes = {
    keys_strings: { texts: keys },
    values_floats: { floats: values },
    default_float: { float: valueOf(unseenCode(feature)) },
  }
  return graph.node('LabelEncoder', [feature.column], { domain: ML_DOMAIN, attributes })
}

/** Int64 parts of a column of moments; shares what they have in common. */
function calendarOf(graph: Graph, column: string): (part: CalendarPart) => string {
  const arithmetic = int64Arithmetic(graph)
  const { divide, modulo, add, subtract, multiply } = arithmetic
  const microsOfDay = once(() => modulo(column, MICROS_PER_DAY))
  const minute = once(() => divide(microsOfDay(), MICROS_PER_MINUTE))
  // Div truncates towards zero; a moment less its time of day divides without a rest.
  const day = once(() => divide(subtract(column, microsOfDay()), MICROS_PER_DAY))
  const civil = once(() => {
    const shifted = add(day(), 719_468n)
    const dayOfEra = modulo(shifted, 146_097n)
    const days = add(
      subtract(subtract(dayOfEra, divide(dayOfEra, 1460n)), divide(dayOfEra, 146_096n)),
      divide(dayOfEra, 36_524n),
    )
    const year = divide(days, 365n)
    const beforeYear = subtract(add(multiply(year, 365n), divide(year, 4n)), divide(year, 100n))
    const dayOfYear = subtract(dayOfEra, beforeYear)
    const marchMonth = divide(add(multiply(dayOfYear, 5n), 2n), 153n)
    return { dayOfYear, marchMonth }
  })
  return (part) => {
    switch (part) {
      case 'minute_of_day':
        return minute()
      case 'hour':
        return divide(minute(), 60n)
      case 'weekday':
        return modulo(add(day(), BigInt(WEEKDAY_OF_DAY_ZERO)), 7n)
      case 'days_since_1970':
        return day()
      case 'day_of_month':
        return add(subtract(civil().dayOfYear, divide(add(multiply(civil().marchMonth, 153n), 2n), 5n)), 1n)
      case 'month':
        // March is month 0 here: add 2, wrap at 12, add 1.
        return add(modulo(add(civil().marchMonth, 2n), 12n), 1n)
    }
  }
}

function int64Arithmetic(graph: Graph) {
  const operand = (value: string | bigint) =>
    typeof value === 'string' ? value : graph.constant({ type: 'int64', dims: [1, 1], values: [value] })
  const operation = (operator: string) => (a: string, b: string | bigint) => graph.node(operator, [a, operand(b)])
  // Mod of integers takes the sign of the divisor, so it is right before 1970 too.
  return {
    divide: operation('Div'),
    modulo: operation('Mod'),
    add: operation('Add'),
    subtract: operation('Sub'),
    multiply: operation('Mul'),
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}
