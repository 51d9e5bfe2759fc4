// A condition: comparisons of any kind joined by all, any and not. Pure but for the SQL that it can be turned into.
import { sql, type RawBuilder } from 'kysely'

/** `all: []` holds always, `any: []` never. */
export type Condition<Leaf> =
  | Leaf
  | { readonly all: readonly Condition<Leaf>[] }
  | { readonly any: readonly Condition<Leaf>[] }
  | { readonly not: Condition<Leaf> }

type Branch<Leaf> = Exclude<Condition<Leaf>, Leaf>

const isBranch = <Leaf extends object>(condition: Condition<Leaf>): condition is Branch<Leaf> =>
  'all' in condition || 'any' in condition || 'not' in condition

/** What a condition comes to, its comparisons first. */
export interface Fold<Leaf, T> {
  readonly leaf: (leaf: Leaf) => T
  readonly all: (parts: readonly T[]) => T
  readonly any: (parts: readonly T[]) => T
  readonly not: (part: T) => T
}

export function foldCondition<Leaf extends object, T>(condition: Condition<Leaf>, fold: Fold<Leaf, T>): T {
  if (!isBranch(condition)) return fold.leaf(condition as Leaf)
  const folded = (part: Condition<Leaf>): T => foldCondition(part, fold)
  if ('all' in condition) return fold.all(condition.all.map(folded))
  if ('any' in condition) return fold.any(condition.any.map(folded))
  return fold.not(folded(condition.not))
}

/** The same tree of other comparisons. */
export const mapCondition = <From extends object, To>(
  condition: Condition<From>,
  leaf: (leaf: From) => Condition<To>,
): Condition<To> =>
  foldCondition<From, Condition<To>>(condition, {
    leaf,
    all: (all) => ({ all }),
    any: (any) => ({ any }),
    not: (not) => ({ not }),
  })

/** The comparisons, in the order they stand. */
export const leavesOf = <Leaf extends object>(condition: Condition<Leaf>): Leaf[] =>
  foldCondition<Leaf, Leaf[]>(condition, {
    leaf: (leaf) => [leaf],
    all: (parts) => parts.flat(),
    any: (parts) => parts.flat(),
    not: (part) => part,
  })

/** A comparison with a column that is null does not hold, so its `not` does. */
export const sqlOfCondition = <Leaf extends object>(
  condition: Condition<Leaf>,
  leaf: (leaf: Leaf) => RawBuilder<boolean>,
): RawBuilder<boolean> =>
  foldCondition<Leaf, RawBuilder<boolean>>(condition, {
    leaf,
    all: (parts) => (parts.length === 0 ? sql`1 = 1` : sql`(${sql.join(parts, sql` and `)})`),
    any: (parts) => (parts.length === 0 ? sql`1 = 0` : sql`(${sql.join(parts, sql` or `)})`),
    not: (part) => sql`(case when ${part} then 0 else 1 end) = 1`,
  })
