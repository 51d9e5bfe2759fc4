// Evaluating an endpoint's monitors: once for each newly complete day, each window's results, alerts and events in one transaction.
import type { ModelVersionTables } from '../models/model-version-store.ts'
import { on, transact, type Connection, type Db, type Transaction } from '../platform/database.ts'
import { findEndpoint, type EndpointTables } from '../serving/endpoint-store.ts'
import { listPerformance, listTraffic } from './aggregates/aggregate-store.ts'
import { dayMsLength, dayOf } from './aggregates/arm.ts'
import { needsOutcomes, type Monitor, type MonitorResult } from './monitor.ts'
import { findActiveAlert, listAlerts } from './monitors/alert-store.ts'
import { closeAlert, updateAlert, type AlertingDeps, type AlertingTables } from './monitors/alerting.ts'
import {
  listMonitors,
  listProvisional,
  markEvaluated,
  putResult,
  type StoredMonitor,
} from './monitors/monitor-store.ts'
import { windowResults, type Look } from './monitors/window-result.ts'
import type { MonitoringTables } from './tables.ts'
import type { VersionLookup } from './version-facts.ts'

export type EvaluationTables = AlertingTables & ModelVersionTables & EndpointTables

export interface EvaluationDeps extends AlertingDeps {
  readonly db: Connection<EvaluationTables>
  readonly versions: VersionLookup
}

export interface Evaluation {
  readonly endpoint: string
  /** Version that serves as champion now; absent: the endpoint's. Without a champion nothing is evaluated. */
  readonly champion?: string | undefined
  /** Policy time: a day is complete when this is past its end (and, for performance, past its outcome delay). */
  readonly nowMs: number
}

/** Days without an evaluation that are made up for; older ones are skipped. */
const catchUpDaysMax = 400
/** Of one endpoint. */
const monitorsMax = 100
/** Coverage has to rise by this before a window is measured again. */
const coverageStep = 0.01

/**
 * Evaluates every monitor for each day that became complete since it was last called: idempotent, and safe to be killed at any moment, for
 * each day is one transaction. Afterwards windows whose outcomes came in meanwhile are measured again. Answers all new or changed results.
 */
export async function evaluateMonitors(deps: EvaluationDeps, evaluation: Evaluation): Promise<MonitorResult[]> {
  const champion = evaluation.champion ?? (await servingChampion(deps.db, evaluation.endpoint))
  if (champion === undefined) return []
  await closeReplaced(deps, { ...evaluation, champion })
  const results: MonitorResult[] = []
  for (let day = 0; day < 2 * catchUpDaysMax; day++) {
    const found = await transact(deps.db, (trx) => evaluateDay(deps, trx, { ...evaluation, champion }))
    if (!found) break
    results.push(...found)
  }
  if (results.length === 0) return results
  results.push(...(await transact(deps.db, (trx) => refresh(deps, trx, { ...evaluation, champion }))))
  return results
}

/** Alerts on a version that is champion no longer end with it, not with the next window: nothing may follow from them meanwhile. */
async function closeReplaced(deps: EvaluationDeps, { endpoint, champion, nowMs }: Known): Promise<void> {
  const active = await listAlerts(deps.db, { endpoint, active: true, limit: monitorsMax })
  if (active.every(({ version }) => version === champion)) return
  await transact(deps.db, async (trx) => {
    for (const { monitor, version } of active) {
      const alert = await findActiveAlert(trx, { endpoint, monitor })
      if (alert?.version === version && version !== champion)
        await closeAlert(deps, trx, { alert, reason: 'version_replaced', closedMs: nowMs })
    }
  })
}

async function servingChampion(db: Db<EndpointTables>, endpoint: string): Promise<string | undefined> {
  const found = await findEndpoint(db, endpoint)
  return found?.variants.find(({ role }) => role === 'champion')?.version
}

type Known = Evaluation & { readonly champion: string }

/** The earliest day end that some monitor has not seen; undefined: all have seen all. */
async function evaluateDay(
  deps: EvaluationDeps,
  trx: Transaction<EvaluationTables>,
  known: Known,
): Promise<MonitorResult[] | undefined> {
  const firstDayMs = await firstTrafficDay(trx, known.endpoint)
  if (firstDayMs === undefined) return undefined
  const due = (await listMonitors(trx, known.endpoint))
    .map((stored) => ({ stored, endMs: nextWindowEnd(stored, firstDayMs, known.nowMs) }))
    .filter(({ stored, endMs }) => endMs <= completeUntil(stored.monitor, known.nowMs))
  if (due.length === 0) return undefined
  const windowEndMs = Math.min(...due.map(({ endMs }) => endMs))
  const monitors = due.filter(({ endMs }) => endMs === windowEndMs).map(({ stored }) => stored)
  const windowDays = Math.max(...monitors.map(({ monitor }) => monitor.windowDays))
  const look = await lookAt(deps, trx, { known, fromMs: windowEndMs - windowDays * dayMsLength, windowEndMs })
  const results = windowResults(monitors, look)
  for (const [at, result] of results.entries()) {
    const stored = monitors[at]!
    await putResult(trx, result)
    await updateAlert(deps, trx, { stored, result })
    await markEvaluated(trx, { endpoint: known.endpoint, name: stored.monitor.name, toMs: windowEndMs })
  }
  return results
}

/** End of the newest day that is complete for the monitor. */
function completeUntil({ signal, outcomeDelayMs }: Monitor, nowMs: number): number {
  return dayOf(nowMs - (needsOutcomes(signal) ? outcomeDelayMs : 0))
}

function nextWindowEnd({ evaluatedToMs }: StoredMonitor, firstDayMs: number, nowMs: number): number {
  const next = (evaluatedToMs ?? firstDayMs) + dayMsLength
  return Math.max(next, dayOf(nowMs) - catchUpDaysMax * dayMsLength)
}

async function lookAt(
  deps: EvaluationDeps,
  trx: Transaction<EvaluationTables>,
  { known, fromMs, windowEndMs }: { known: Known; fromMs: number; windowEndMs: number },
): Promise<Look> {
  const { endpoint, champion, nowMs } = known
  const facts = await deps.versions(trx, champion)
  if (!facts) throw new Error(`the champion ${champion} of "${endpoint}" is in no registry`)
  const range = { endpoint, fromMs, toMs: windowEndMs }
  return {
    endpoint,
    champion,
    sinceMs: await championSince(trx, endpoint, champion),
    facts,
    days: { traffic: await listTraffic(trx, range), performance: await listPerformance(trx, range) },
    windowEndMs,
    nowMs,
  }
}

/** The first day on which the version answered as champion after the last day on which another one did. */
export async function championSince(
  db: Db<MonitoringTables>,
  endpoint: string,
  champion: string,
): Promise<number | undefined> {
  const other = await on(db)
    .selectFrom('traffic')
    .select((eb) => eb.fn.max('day_ms').as('day_ms'))
    .where('endpoint', '=', endpoint)
    .where('role', '=', 'champion')
    .where('version', '!=', champion)
    .executeTakeFirst()
  const own = await on(db)
    .selectFrom('traffic')
    .select((eb) => eb.fn.min('day_ms').as('day_ms'))
    .where('endpoint', '=', endpoint)
    .where('role', '=', 'champion')
    .where('version', '=', champion)
    .where('day_ms', '>', other?.day_ms ?? Number.MIN_SAFE_INTEGER)
    .executeTakeFirst()
  return own?.day_ms ?? undefined
}

async function firstTrafficDay(db: Db<MonitoringTables>, endpoint: string): Promise<number | undefined> {
  const row = await on(db)
    .selectFrom('traffic')
    .select((eb) => eb.fn.min('day_ms').as('day_ms'))
    .where('endpoint', '=', endpoint)
    .executeTakeFirst()
  return row?.day_ms ?? undefined
}

/** Measures again the champion's windows whose outcomes came in later, and brings the alerts in line. */
async function refresh(
  deps: EvaluationDeps,
  trx: Transaction<EvaluationTables>,
  known: Known,
): Promise<MonitorResult[]> {
  const changed: MonitorResult[] = []
  const { endpoint, champion, nowMs } = known
  for (const stored of await listMonitors(trx, endpoint)) {
    const { monitor, revision } = stored
    if (!needsOutcomes(monitor.signal)) continue
    const sinceMs = nowMs - monitor.outcomeDelayMs - 31 * dayMsLength
    const of = { endpoint, monitor: monitor.name, revision, version: champion, sinceMs }
    for (const before of await listProvisional(trx, of)) {
      if (before.windowEndMs === stored.evaluatedToMs) continue // It was measured just now.
      const { windowStartMs: fromMs, windowEndMs } = before
      const [result] = windowResults([stored], await lookAt(deps, trx, { known, fromMs, windowEndMs }))
      const rise = (result!.coverage ?? 0) - (before.coverage ?? 0)
      if (rise < coverageStep && !result!.final) continue
      await putResult(trx, result!)
      await updateAlert(deps, trx, { stored, result: result! })
      changed.push(result!)
    }
  }
  return changed
}
