// The tables traffic, performance, paired_loss and monitoring_total: sums by day, read, added to and written back within one transaction.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { SketchJson, sketchFromJson, sketchToJson } from '../../statistics/quantile-sketch.ts'
import { armOfColumns, columnsOfArm, type Arm } from './arm.ts'
import type { Deltas } from './deltas.ts'
import { mergePairs, noPairs, type PairKey, type PairedLoss } from './paired-loss.ts'
import { mergePerformance, noPerformance, type PerformanceSums, type Quality } from './performance.ts'
import type { MonitoringTables, PairedLossRow, PerformanceRow, TrafficRow } from '../tables.ts'
import { mergeTrafficSums, type Traffic, type TrafficSums } from './traffic.ts'

/** An arm's row with this id: the primary key, column by column. */
type Where = [string, '=', string | number]

const whereArm = ({ endpoint, dayMs, version, role, weightPpm }: Arm): Where[] => [
  ['endpoint', '=', endpoint],
  ['day_ms', '=', dayMs],
  ['version', '=', version],
  ['role', '=', role],
  ['weight_ppm', '=', weightPpm],
]

const armColumns = ['endpoint', 'day_ms', 'version', 'role', 'weight_ppm'] as const

export async function applyDeltas(trx: Transaction<MonitoringTables>, deltas: Deltas): Promise<void> {
  for (const [key, { arm }] of new Map([...deltas.performance, ...deltas.removed])) {
    const added = deltas.performance.get(key)?.sums ?? noPerformance()
    const removed = deltas.removed.get(key)?.sums
    await addPerformance(trx, arm, removed ? mergePerformance(added, removed, -1) : added)
  }
  for (const { key, sums } of deltas.pairs.values()) await addPairs(trx, key, sums)
}

async function addPerformance(trx: Transaction<MonitoringTables>, arm: Arm, more: PerformanceSums): Promise<void> {
  let query = on(trx).selectFrom('performance').selectAll()
  for (const [column, , value] of whereArm(arm)) query = query.where(column as 'endpoint', '=', value as string)
  const row = await query.executeTakeFirst()
  const sums = row ? mergePerformance(performanceOfRow(row), more) : more
  const change = {
    predictions: sums.predictions,
    outcomes: sums.outcomes,
    loss_sum: sums.lossSum,
    loss_square_sum: sums.lossSquareSum,
    quality: sums.quality ? JSON.stringify(sums.quality) : null,
  }
  await on(trx)
    .insertInto('performance')
    .values({ ...columnsOfArm(arm), ...change })
    .onConflict((c) => c.columns(armColumns).doUpdateSet(change))
    .execute()
}

async function addPairs(trx: Transaction<MonitoringTables>, key: PairKey, more: PairedLoss): Promise<void> {
  const { endpoint, champion, challenger, dayMs } = key
  const row = await on(trx)
    .selectFrom('paired_loss')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('champion', '=', champion)
    .where('challenger', '=', challenger)
    .where('day_ms', '=', dayMs)
    .executeTakeFirst()
  const sums = mergePairs(row ? pairsOfRow(row) : noPairs(), more)
  const change = {
    scored: sums.scored,
    failed: sums.failed,
    pairs: sums.pairs,
    difference_sum: sums.differenceSum,
    difference_square_sum: sums.differenceSquareSum,
    champion_loss_sum: sums.championLossSum,
    challenger_loss_sum: sums.challengerLossSum,
  }
  await on(trx)
    .insertInto('paired_loss')
    .values({ endpoint, champion, challenger, day_ms: dayMs, ...change })
    .onConflict((c) => c.columns(['endpoint', 'champion', 'challenger', 'day_ms']).doUpdateSet(change))
    .execute()
}

/** Adds to each arm's row; answers the arms that had none. */
export async function mergeTraffic(trx: Transaction<MonitoringTables>, traffic: readonly Traffic[]): Promise<Arm[]> {
  const fresh: Arm[] = []
  for (const { arm, sums: more } of traffic) {
    let query = on(trx).selectFrom('traffic').selectAll()
    for (const [column, , value] of whereArm(arm)) query = query.where(column as 'endpoint', '=', value as string)
    const row = await query.executeTakeFirst()
    if (!row) fresh.push(arm)
    const sums = row ? mergeTrafficSums(trafficOfRow(row), more) : more
    const change = {
      requests: sums.requests,
      rows: sums.rows,
      errors: sums.errors,
      log_latency_sum: sums.logLatencySum,
      log_latency_square_sum: sums.logLatencySquareSum,
      latency: JSON.stringify(sketchToJson(sums.latency)),
      features: JSON.stringify(sums.features),
      prediction: JSON.stringify(sums.prediction),
    }
    await on(trx)
      .insertInto('traffic')
      .values({ ...columnsOfArm(arm), ...change })
      .onConflict((c) => c.columns(armColumns).doUpdateSet(change))
      .execute()
  }
  return fresh
}

export const performanceOfRow = (row: PerformanceRow): PerformanceSums => ({
  predictions: row.predictions,
  outcomes: row.outcomes,
  lossSum: row.loss_sum,
  lossSquareSum: row.loss_square_sum,
  quality: row.quality === null ? null : (JSON.parse(row.quality) as Quality),
})

export const pairsOfRow = (row: PairedLossRow): PairedLoss => ({
  scored: row.scored,
  failed: row.failed,
  pairs: row.pairs,
  differenceSum: row.difference_sum,
  differenceSquareSum: row.difference_square_sum,
  championLossSum: row.champion_loss_sum,
  challengerLossSum: row.challenger_loss_sum,
})

export const trafficOfRow = (row: TrafficRow): TrafficSums => ({
  requests: row.requests,
  rows: row.rows,
  errors: row.errors,
  logLatencySum: row.log_latency_sum,
  logLatencySquareSum: row.log_latency_square_sum,
  latency: sketchFromJson(SketchJson.parse(JSON.parse(row.latency))),
  features: JSON.parse(row.features) as number[][],
  prediction: JSON.parse(row.prediction) as number[],
})

/** Days [fromMs, toMs) of one endpoint, by day; of one version when it is named. */
export interface DayRange {
  readonly endpoint: string
  readonly fromMs: number
  readonly toMs: number
  readonly version?: string | undefined
}

export async function listPerformance(
  db: Db<MonitoringTables>,
  { endpoint, fromMs, toMs, version }: DayRange,
): Promise<{ arm: Arm; sums: PerformanceSums }[]> {
  let query = on(db)
    .selectFrom('performance')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('day_ms', '>=', fromMs)
    .where('day_ms', '<', toMs)
  if (version) query = query.where('version', '=', version)
  const rows = await query.orderBy('day_ms').execute()
  return rows.map((row) => ({ arm: armOfColumns(row), sums: performanceOfRow(row) }))
}

export async function listTraffic(
  db: Db<MonitoringTables>,
  { endpoint, fromMs, toMs, version }: DayRange,
): Promise<Traffic[]> {
  let query = on(db)
    .selectFrom('traffic')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('day_ms', '>=', fromMs)
    .where('day_ms', '<', toMs)
  if (version) query = query.where('version', '=', version)
  const rows = await query.orderBy('day_ms').execute()
  return rows.map((row) => ({ arm: armOfColumns(row), sums: trafficOfRow(row) }))
}

export async function addTotal(
  trx: Transaction<MonitoringTables>,
  total: { name: string; value: number },
): Promise<void> {
  await on(trx)
    .insertInto('monitoring_total')
    .values(total)
    .onConflict((c) =>
      c.column('name').doUpdateSet((eb) => ({ value: eb('monitoring_total.value', '+', eb.ref('excluded.value')) })),
    )
    .execute()
}

export async function findTotal(db: Db<MonitoringTables>, name: string): Promise<number> {
  const row = await on(db).selectFrom('monitoring_total').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value ?? 0
}
