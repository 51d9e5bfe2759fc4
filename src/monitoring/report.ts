// Taking in what a gateway worker reports: predictions, counters and the watermark, in the transaction that marks the report as applied.
import type { Transaction } from '../platform/database.ts'
import { recordLineage, type LineageTables } from '../governance/lineage.ts'
import type { ModelVersionTables } from '../models/model-version-store.ts'
import type { GatewayReport } from '../serving/gateway-report.ts'
import { applyDeltas, mergeTraffic, addTotal } from './aggregates/aggregate-store.ts'
import { armKey, dayOf, weightPpmOf } from './aggregates/arm.ts'
import { countPrediction, noDeltas } from './aggregates/deltas.ts'
import { factsOf, joinWaiting } from './outcomes.ts'
import { findUnmatchedOutcomes, insertPredictions } from './aggregates/prediction-store.ts'
import type { MonitoringTables } from './tables.ts'
import { addCounter, type Traffic } from './aggregates/traffic.ts'
import type { VersionLookup } from './version-facts.ts'
import { advanceWatermark } from './watermark.ts'

/** Name of the sum of log rows that full buffers dropped. */
export const predictionsDropped = 'predictions_dropped'

/** Name of the sum of log rows that were lost with workers that were killed. */
export const predictionsLost = 'predictions_lost'

/**
 * Applies one report. Wants the transaction in which the caller made sure that it was not applied before: counters add up. Predictions
 * whose id is known are left out all the same. An outcome that was waiting for one of them is joined.
 */
export async function recordReport(
  deps: { versions: VersionLookup; nowMs: number },
  trx: Transaction<MonitoringTables & ModelVersionTables & LineageTables>,
  report: GatewayReport,
): Promise<void> {
  const fresh = await insertPredictions(trx, report.predictions)
  const deltas = noDeltas()
  for (const prediction of fresh) countPrediction(deltas, prediction)
  const ids = fresh.map(({ id }) => id)
  const waiting = ids.length > 0 ? await findUnmatchedOutcomes(trx, ids) : []
  if (waiting.length > 0) {
    const wanted = new Set(waiting.map((row) => row.prediction_id))
    const predictions = new Map(fresh.filter(({ id }) => wanted.has(id)).map((each) => [each.id, each]))
    await joinWaiting(trx, {
      waiting,
      predictions,
      facts: await factsOf(deps.versions, trx, predictions.values()),
      deltas,
    })
  }
  await applyDeltas(trx, deltas)
  const newArms = await mergeTraffic(trx, trafficOf(report))
  await recordLineage(
    trx,
    newArms.map(({ endpoint, version, dayMs }) => ({
      upstream: `model_version:${version}`,
      downstream: `prediction_window:${windowName(endpoint, version, dayMs)}`,
      relation: 'answered',
      atMs: deps.nowMs,
    })),
  )
  for (const [endpoint, eventTimeMs] of Object.entries(report.eventTimes)) {
    await advanceWatermark(trx, { endpoint, eventTimeMs })
  }
  if (report.dropped > 0) await addTotal(trx, { name: predictionsDropped, value: report.dropped })
  if (report.lost > 0) await addTotal(trx, { name: predictionsLost, value: report.lost })
}

/** Name of a version's predictions of one day in the lineage graph. */
export const windowName = (endpoint: string, version: string, dayMs: number): string =>
  `${endpoint}/${version}/${new Date(dayMs).toISOString().slice(0, 10)}`

function trafficOf(report: GatewayReport): Traffic[] {
  const byArm = new Map<string, Traffic>()
  for (const counter of report.counters) {
    const { endpoint, version, role } = counter
    const arm = { endpoint, version, role, weightPpm: weightPpmOf(counter.assignedWith), dayMs: dayOf(counter.dayMs) }
    const key = armKey(arm)
    byArm.set(key, addCounter(byArm.get(key), arm, counter))
  }
  return [...byArm.values()]
}
