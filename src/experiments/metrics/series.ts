// A series: the points of one key of one run, and what is known of them without reading them.
import { compareMoments, type MetricSummary, type Moment } from '../metric.ts'
import type { StoredPoint } from './bucket.ts'

export interface Series {
  /** Short, for the table of points; 0 while the series has not been stored. */
  readonly id: number
  readonly runId: string
  readonly key: string
  readonly summary: MetricSummary
  /** How many. */
  readonly points: number
  /** Their order by step is their order by time. */
  readonly isOrdered: boolean
  /** Of its narrowest buckets; null while it is short and has none. */
  readonly bucketBits: number | null
}

/** Later than the latest, so not there yet. */
export const isAfter = (point: Moment, latest: Moment): boolean => compareMoments(point, latest) > 0

export const isBefore = (point: Moment, latest: Moment): boolean => compareMoments(point, latest) < 0

/** Whether `points`, in order of step, come in order of time as well, and after `latest`. */
export function arePointsOrdered(points: readonly StoredPoint[], latest: Moment | undefined): boolean {
  let before = latest
  for (const point of points) {
    if (before && point.atMs < before.atMs) return false
    before = point
  }
  return true
}
