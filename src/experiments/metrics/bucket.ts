// Buckets of a series: what a chart needs of all points of a range of steps. Widths are powers of two, so that wide ones are sums of narrow ones.
import { compareMoments, type Integer, type Moment } from '../metric.ts'

/** A point as its table holds it: NaN apart, since neither database orders or keeps it as the other does. */
export interface StoredPoint extends Moment {
  /** 0 where `isNan` is 1. */
  readonly value: number
  readonly isNan: 0 | 1
}

/** -0 becomes 0: PostgreSQL's driver does not carry its sign. */
export const storedValue = (value: number): Pick<StoredPoint, 'value' | 'isNan'> =>
  Number.isNaN(value) ? { value: 0, isNan: 1 } : { value: value + 0, isNan: 0 }

/** The order of the table's key. */
export const compareStored = (a: StoredPoint, b: StoredPoint): number =>
  compareMoments(a, b) || a.value - b.value || a.isNan - b.isNan

export interface Bucket {
  /** Holds the steps from `number` * 2^bits on. */
  readonly number: Integer
  readonly points: number
  /** Of the points that are not NaN; null when all are. */
  readonly min: number | null
  readonly max: number | null
  readonly last: StoredPoint
}

/** A step's bucket, as an integer that a number holds where that is exact. */
export function bucketOf(step: Integer, bits: number): Integer {
  if (typeof step === 'number') return Math.floor(step / 2 ** bits)
  return integer(step >> BigInt(bits))
}

const integer = (value: bigint): Integer => (BigInt.asIntN(54, value) === value ? Number(value) : value)

const stepsMin = -(2n ** 63n)
const stepsMax = 2n ** 63n - 1n

/** The steps of a bucket that can be, both within. */
export function stepsOf(bucket: Integer, bits: number): { first: Integer; last: Integer } {
  const first = BigInt(bucket) << BigInt(bits)
  const last = first + (1n << BigInt(bits)) - 1n
  return { first: integer(first < stepsMin ? stepsMin : first), last: integer(last > stepsMax ? stepsMax : last) }
}

/** Of one point alone. */
export function bucketOfPoint(point: StoredPoint, bits: number): Bucket {
  const bound = point.isNan ? null : point.value
  return { number: bucketOf(point.step, bits), points: 1, min: bound, max: bound, last: point }
}

/** Adds to buckets of one width the next one, which is theirs in order: the last or one after it. */
export function addTo(buckets: Bucket[], next: Bucket): void {
  const before = buckets.at(-1)
  if (before?.number !== next.number) buckets.push(next)
  else buckets[buckets.length - 1] = joined(before, next)
}

const joined = (before: Bucket, next: Bucket): Bucket => ({
  number: next.number,
  points: before.points + next.points,
  min: least(before.min, next.min),
  max: most(before.max, next.max),
  last: next.last,
})

const least = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b)
const most = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.max(a, b)

/** The least width, in bits, with which `first` to `last` are at most `buckets` buckets, which is 2 or more. */
export function bitsFor({ first, last }: { first: Integer; last: Integer }, buckets: number): number {
  let bits = 0
  while (BigInt(bucketOf(last, bits)) - BigInt(bucketOf(first, bits)) >= BigInt(buckets)) bits++
  return bits
}
