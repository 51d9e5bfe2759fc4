// What is known of a challenger beside its champion: paired losses of a shadow, and both arms of a canary by the split they were counted at.
import { on, type Db } from '../platform/database.ts'
import { countAbove, mergeSketch, createSketch, sketchQuantile } from '../statistics/quantile-sketch.ts'
import { momentsOfSums, type Moments } from '../statistics/moments.ts'
import { listPerformance, listTraffic, pairsOfRow } from './aggregates/aggregate-store.ts'
import { dayOf } from './aggregates/arm.ts'
import { mergePairs, noPairs, type PairedLoss } from './aggregates/paired-loss.ts'
import { mergeTrafficSums, noTraffic, type Traffic } from './aggregates/traffic.ts'
import type { MonitoringTables } from './tables.ts'

/** Two versions behind one endpoint (as `model/version`), from the UTC day that holds `sinceMs` on. */
export interface RolloutPair {
  readonly endpoint: string
  readonly champion: string
  readonly challenger: string
  readonly sinceMs: number
  /** Requests above so many milliseconds are counted as slow; without it none are. */
  readonly slowLimitMs?: number | undefined
  /** Requests above so many milliseconds are counted as beyond the objective; without it none are. */
  readonly objectiveMs?: number | undefined
}

/** What one version did at one split. */
export interface ArmCounts {
  requests: number
  errors: number
  slow: number
}

/** Both arms while the canary had this share of the requests. */
export interface SplitCounts {
  /** The canary's share. */
  readonly weight: number
  readonly canary: ArmCounts
  readonly champion: ArmCounts
}

/** One arm over all splits. */
export interface ArmTotals extends ArmCounts {
  /** Of ln(milliseconds) a request, over those that were timed. */
  readonly logLatency: Moments
  /** Of the loss, over rows whose outcome is known. */
  readonly loss: Moments
  readonly beyondObjective: number
  /** Rows in each bin of the version's own baseline. */
  readonly prediction: readonly number[]
}

export interface RolloutStatistics {
  readonly pairs: PairedLoss
  /** The same day by day, those with at least one pair. */
  readonly days: readonly { readonly dayMs: number; readonly pairs: PairedLoss }[]
  /** By rising weight. Requests that no lot was drawn for (pinned, or answered for a canary that failed) are in none. */
  readonly splits: readonly SplitCounts[]
  readonly canary: ArmTotals
  readonly champion: ArmTotals
}

const allMillionths = 1_000_000
const farFuture = Number.MAX_SAFE_INTEGER

export async function rolloutStatistics(db: Db<MonitoringTables>, pair: RolloutPair): Promise<RolloutStatistics> {
  const days = await pairedDays(db, pair)
  const range = { endpoint: pair.endpoint, fromMs: dayOf(pair.sinceMs), toMs: farFuture }
  const traffic = await listTraffic(db, range)
  const weights = [...new Set(traffic.filter(isCanary(pair)).map(({ arm }) => arm.weightPpm))].toSorted((a, b) => a - b)
  const ofCanary = armFilter(pair.challenger, 'canary', weights)
  const ofChampion = armFilter(
    pair.champion,
    'champion',
    weights.map((weight) => allMillionths - weight),
  )
  const performance = await listPerformance(db, range)
  const totals = (wanted: ArmFilter): ArmTotals => ({
    ...countArm(traffic.filter(wanted), pair.slowLimitMs),
    logLatency: momentsOfSums(
      traffic.filter(wanted).map(({ sums }) => [sums.latency.count, sums.logLatencySum, sums.logLatencySquareSum]),
    ),
    loss: momentsOfSums(
      performance.filter(wanted).map(({ sums }) => [sums.outcomes, sums.lossSum, sums.lossSquareSum]),
    ),
    beyondObjective: countArm(traffic.filter(wanted), pair.objectiveMs).slow,
    prediction: traffic.filter(wanted).reduce((all, { sums }) => mergeTrafficSums(all, sums), noTraffic()).prediction,
  })
  return {
    pairs: days.map(({ pairs }) => pairs).reduce(mergePairs, noPairs()),
    days,
    splits: weights.map((weight) => ({
      weight: weight / allMillionths,
      canary: countArm(traffic.filter(armFilter(pair.challenger, 'canary', [weight])), pair.slowLimitMs),
      champion: countArm(
        traffic.filter(armFilter(pair.champion, 'champion', [allMillionths - weight])),
        pair.slowLimitMs,
      ),
    })),
    canary: totals(ofCanary),
    champion: totals(ofChampion),
  }
}

/** A canary's lot was drawn: its share is known, and neither 0 nor 1. */
const isCanary =
  ({ challenger }: RolloutPair) =>
  ({ arm }: Pick<Traffic, 'arm'>): boolean =>
    arm.role === 'canary' && arm.version === challenger && arm.weightPpm > 0 && arm.weightPpm < allMillionths

type ArmFilter = (each: Pick<Traffic, 'arm'>) => boolean

const armFilter =
  (version: string, role: 'canary' | 'champion', weights: readonly number[]): ArmFilter =>
  ({ arm }) =>
    arm.version === version && arm.role === role && weights.includes(arm.weightPpm)

async function pairedDays(db: Db<MonitoringTables>, pair: RolloutPair): Promise<RolloutStatistics['days']> {
  const rows = await on(db)
    .selectFrom('paired_loss')
    .selectAll()
    .where('endpoint', '=', pair.endpoint)
    .where('champion', '=', pair.champion)
    .where('challenger', '=', pair.challenger)
    .where('day_ms', '>=', dayOf(pair.sinceMs))
    .orderBy('day_ms')
    .execute()
  return rows.map((row) => ({ dayMs: row.day_ms, pairs: pairsOfRow(row) }))
}

function countArm(traffic: readonly Traffic[], slowLimitMs: number | undefined): ArmCounts {
  const counts: ArmCounts = { requests: 0, errors: 0, slow: 0 }
  for (const { sums } of traffic) {
    counts.requests += sums.requests
    counts.errors += sums.errors
    if (slowLimitMs !== undefined) counts.slow += countAbove(sums.latency, slowLimitMs)
  }
  return counts
}

/** A quantile of milliseconds a request of a version as champion since a day; undefined before its first request. */
export async function championLatencyMs(
  db: Db<MonitoringTables>,
  { endpoint, version, sinceMs, quantile }: { endpoint: string; version: string; sinceMs: number; quantile: number },
): Promise<number | undefined> {
  const traffic = await listTraffic(db, { endpoint, fromMs: dayOf(sinceMs), toMs: farFuture, version })
  const sketch = traffic
    .filter(({ arm }) => arm.role === 'champion')
    .reduce((sum, { sums }) => mergeSketch(sum, sums.latency), createSketch())
  const found = sketchQuantile(sketch, quantile)
  return Number.isFinite(found) ? found : undefined
}
