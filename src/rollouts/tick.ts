// Looking after the rollouts under way: judged on what monitoring counted, every verdict stored, and acted on in the same transaction.
import { createHash } from 'node:crypto'
import type { Actor } from '../governance/audit.ts'
import { championLatencyMs, rolloutStatistics } from '../monitoring/rollout-statistics.ts'
import { transact, type Connection } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent } from '../platform/events.ts'
import type { Log } from '../platform/log.ts'
import type { Endpoint } from '../serving/endpoint.ts'
import { noticeableMs } from '../serving/gateway-report.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import type { RolloutEvidence } from './evidence.ts'
import { judge } from './judging.ts'
import { predictionShiftOf } from './prediction-shift.ts'
import type { Rehearsal, Rehearse } from './rehearsal.ts'
import { challengerText, championText, isActive, type Rollout, type RolloutVerdict } from './rollout.ts'
import { findRollout, insertVerdict, listRolloutsToTick, listVerdicts, putRollout } from './rollout-store.ts'
import { endUnlessMoved, isStillChampion, movedBySomebody } from './rollouts.ts'
import {
  cancel,
  endWithChampion,
  enter,
  promote,
  takeBack,
  type RolloutDatabase,
  type RolloutTrx,
} from './traffic-moves.ts'
import type { Judgement } from './verdict.ts'

export interface TickDeps {
  readonly db: Connection<RolloutDatabase>
  /** In whose name traffic moves, such as `loop:flights`. */
  readonly actor: Actor
  readonly log: Log
  /** Asked before each promotion for the way back. Absent: nobody can, and promotions go without. */
  readonly rehearse?: Rehearse | undefined
}

export interface Tick {
  /** Absent: all endpoints. */
  readonly endpoint?: string | undefined
  /** Policy time. */
  readonly nowMs: number
}

/** Requests slower than this quantile of the champion's, fixed when the canary begins, are slow. */
const slowQuantile = 0.99
/** Times what callers notice at all, below which nothing is slow. */
const slowFloor = 4
/** Days before the canary that the champion's latency is taken from. */
const slowWindowMs = 7 * 86_400_000

/**
 * Judges every rollout under way and acts on the verdicts; watches promotions. Each rollout is one transaction that looks at its state
 * first, so it may be called at any moment, as often as one likes, and killed. Answers the verdicts that are new.
 */
export async function tickRollouts(deps: TickDeps, tick: Tick): Promise<RolloutVerdict[]> {
  const verdicts: RolloutVerdict[] = []
  for (const id of await listRolloutsToTick(deps.db, tick.endpoint)) {
    try {
      const verdict = await tickWithRehearsal(deps, id, tick.nowMs)
      if (verdict) verdicts.push(verdict)
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      deps.log.warn('a rollout could not move on and is ended', { rollout: id, error: error.message })
      await transact(deps.db, (trx) => abandon(deps.actor, trx, { id, nowMs: tick.nowMs, why: error.message }))
    }
  }
  return verdicts
}

/** A promotion waits, outside of any transaction, until the version that a rollback would need has been asked its examples. */
async function tickWithRehearsal(deps: TickDeps, id: string, nowMs: number): Promise<RolloutVerdict | undefined> {
  const { db, actor, rehearse } = deps
  let wanted: string | undefined
  const first = await transact(db, (trx) => {
    wanted = undefined
    return tickOne(actor, trx, { id, nowMs, ...(rehearse ? { askFor: (version: string) => (wanted = version) } : {}) })
  })
  if (!rehearse || wanted === undefined) return first
  const rehearsal = await rehearse(wanted)
  return transact(db, (trx) => tickOne(actor, trx, { id, nowMs, rehearsal }))
}

interface Turn {
  readonly id: string
  readonly nowMs: number
  /** Is told which version to rehearse instead of promoting; the turn then changes nothing. */
  readonly askFor?: (version: string) => void
  readonly rehearsal?: Rehearsal
}

async function tickOne(
  actor: Actor,
  trx: RolloutTrx,
  { id, nowMs, askFor, rehearsal }: Turn,
): Promise<RolloutVerdict | undefined> {
  const found = await findRollout(trx, id)
  const endpoint = found && (await findEndpoint(trx, found.endpoint))
  if (!found) return undefined
  const rollout = rehearsal?.version === championText(found) ? { ...found, rehearsal } : found
  if (!isActive(rollout)) {
    await watch(actor, trx, { rollout, endpoint, nowMs })
    return undefined
  }
  const moved = await movedBySomebody(trx, rollout, endpoint)
  if (moved) {
    await cancel(trx, actor, { ...rollout, state: 'cancelled', finishedMs: nowMs, sentence: moved })
    return undefined
  }
  // Who is refused is no evidence, and somebody is looking already.
  if (endpoint?.stopped) return undefined
  const onEvidence = isQuarantined(endpoint, challengerText(rollout))
    ? takenOut(rollout)
    : judge(rollout, await evidenceOf(trx, rollout), nowMs)
  if (onEvidence.verdict === 'promote' && !rollout.rehearsal && askFor) {
    askFor(championText(rollout))
    return undefined
  }
  const judged = rehearsed(rollout, onEvidence)
  const verdict = await storeVerdict(actor, trx, { rollout, judged, nowMs })
  await act(actor, trx, { rollout, judged, nowMs })
  return verdict
}

/** A promotion whose way back was rehearsed says so; one whose way back does not work is none. */
function rehearsed({ rehearsal }: Rollout, judged: Judgement): Judgement {
  if (judged.verdict !== 'promote' || !rehearsal) return judged
  const statistics = { ...judged.statistics, rehearsedExamples: rehearsal.examples }
  if (rehearsal.passed) return { ...judged, statistics, reason: `${judged.reason}; rehearsal: ${rehearsal.sentence}` }
  const reason = `there would be no way back, for the champion could not be put back: ${rehearsal.sentence}; besides, ${judged.reason}`
  return { verdict: 'inconclusive', reason, statistics }
}

async function evidenceOf(trx: RolloutTrx, rollout: Rollout): Promise<RolloutEvidence> {
  const statistics = await rolloutStatistics(trx, {
    endpoint: rollout.endpoint,
    champion: championText(rollout),
    challenger: challengerText(rollout),
    sinceMs: rollout.phaseStartedMs,
    slowLimitMs: rollout.slowLimitMs ?? undefined,
    objectiveMs: rollout.policy.canary?.objective?.latencyMs,
  })
  return { ...statistics, predictionShift: await predictionShiftOf(trx, rollout, statistics) }
}

const isQuarantined = (endpoint: Endpoint | undefined, version: string): boolean =>
  endpoint?.variants.some((variant) => variant.version === version && variant.quarantined) ?? false

const takenOut = (rollout: Rollout): Judgement => ({
  verdict: 'roll_back',
  reason: `the gateway took ${challengerText(rollout)} out: it hung or ended its worker repeatedly, or could not be loaded`,
  statistics: {},
})

interface Judged {
  readonly rollout: Rollout
  readonly judged: Judgement
  readonly nowMs: number
}

/** A verdict to go on is stored this often at most while it stays: under traffic the evidence changes with every report. Wall time. */
const continueIntervalMs = 60_000

/** Stored unless it says the same on the same evidence as the one before, or to go on once more. */
async function storeVerdict(
  actor: Actor,
  trx: RolloutTrx,
  { rollout, judged, nowMs }: Judged,
): Promise<RolloutVerdict | undefined> {
  const [last] = await listVerdicts(trx, { rollout: rollout.id, limit: 1 })
  const verdict: RolloutVerdict = {
    rollout: rollout.id,
    sequence: (last?.sequence ?? 0) + 1,
    phase: rollout.state,
    step: rollout.step,
    verdict: judged.verdict,
    reason: judged.reason,
    statistics: judged.statistics,
    policyDigest: createHash('sha256').update(JSON.stringify(rollout.policy)).digest('hex'),
    judgedMs: nowMs,
    atMs: actor.clock(),
  }
  if (last && evidenceText(last) === evidenceText(verdict)) return undefined
  if (last && isSoonAfter(last, verdict)) return undefined
  await insertVerdict(trx, verdict)
  return verdict
}

const isSoonAfter = (last: RolloutVerdict, next: RolloutVerdict): boolean =>
  next.verdict === 'continue' &&
  last.verdict === 'continue' &&
  last.phase === next.phase &&
  last.step === next.step &&
  next.atMs - last.atMs < continueIntervalMs

/** Time alone is no new evidence. */
function evidenceText({ phase, step, verdict, statistics }: RolloutVerdict): string {
  const numbers = Object.entries(statistics).filter(([name]) => name !== 'elapsedMs')
  return JSON.stringify([phase, step, verdict, numbers.toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

async function act(actor: Actor, trx: RolloutTrx, { rollout, judged, nowMs }: Judged): Promise<void> {
  const sentence = judged.reason
  switch (judged.verdict) {
    case 'continue':
      return
    case 'advance':
      return advance(actor, trx, { rollout, judged, nowMs })
    case 'promote': {
      const { watchMs } = rollout.policy
      const watchUntilMs = watchMs > 0 ? nowMs + watchMs : null
      return promote(trx, actor, { ...rollout, state: 'promoted', finishedMs: nowMs, watchUntilMs, sentence })
    }
    case 'roll_back':
      return endWithChampion(trx, actor, { ...rollout, state: 'rolled_back', finishedMs: nowMs, sentence })
    case 'inconclusive':
      if (rollout.policy.onInconclusive === 'roll_back') {
        return endWithChampion(trx, actor, { ...rollout, state: 'inconclusive', finishedMs: nowMs, sentence })
      }
      return hold(actor, trx, { ...rollout, sentence })
  }
}

/** Null: the champion has answered nothing. A tail of milliseconds that nobody notices is no tail. */
async function slowLimitOf(
  trx: RolloutTrx,
  { endpoint, version, nowMs }: { endpoint: string; version: string; nowMs: number },
): Promise<number | null> {
  const sinceMs = nowMs - slowWindowMs
  const tailMs = await championLatencyMs(trx, { endpoint, version, sinceMs, quantile: slowQuantile })
  return tailMs === undefined ? null : Math.max(tailMs, slowFloor * noticeableMs)
}

async function advance(actor: Actor, trx: RolloutTrx, { rollout, judged, nowMs }: Judged): Promise<void> {
  const { endpoint } = rollout
  const version = championText(rollout)
  const next: Rollout =
    rollout.state === 'canary'
      ? { ...rollout, step: rollout.step + 1, held: false, sentence: judged.reason }
      : {
          ...rollout,
          state: 'canary',
          step: 0,
          phaseStartedMs: nowMs,
          held: false,
          slowLimitMs: await slowLimitOf(trx, { endpoint, version, nowMs }),
          sentence: judged.reason,
        }
  await enter(trx, actor, next)
  const payload = { id: next.id, endpoint, state: next.state, step: next.step, sentence: next.sentence }
  await appendEvent(trx, { type: 'rollout.advanced', subject: endpoint, payload, atMs: actor.clock() })
}

/** The question stays open, traffic as it is; told once. */
async function hold(actor: Actor, trx: RolloutTrx, rollout: Rollout): Promise<void> {
  await putRollout(trx, { ...rollout, held: true })
  if (rollout.held) return
  const { id, endpoint, sentence } = rollout
  const payload = { id, endpoint, sentence }
  await appendEvent(trx, { type: 'rollout.held', subject: endpoint, payload, atMs: actor.clock() })
}

/** After a promotion: taken back if the gateway takes the new champion out; when the time is over, the former one is unloaded. */
async function watch(
  actor: Actor,
  trx: RolloutTrx,
  { rollout, endpoint, nowMs }: { rollout: Rollout; endpoint: Endpoint | undefined; nowMs: number },
): Promise<void> {
  if (rollout.state !== 'promoted' || rollout.watchUntilMs === null) return
  if (!endpoint || !(await isStillChampion(trx, rollout))) return putRollout(trx, { ...rollout, watchUntilMs: null })
  if (isQuarantined(endpoint, challengerText(rollout))) {
    const { reason: sentence } = takenOut(rollout)
    return takeBack(trx, actor, { ...rollout, state: 'rolled_back', watchUntilMs: null, sentence })
  }
  if (nowMs >= rollout.watchUntilMs) await enter(trx, actor, { ...rollout, watchUntilMs: null })
}

/** A move that the models or the endpoint refused: the champion keeps the traffic. */
async function abandon(
  actor: Actor,
  trx: RolloutTrx,
  { id, nowMs, why }: { id: string; nowMs: number; why: string },
): Promise<void> {
  const rollout = await findRollout(trx, id)
  if (!rollout || !isActive(rollout)) return
  const sentence = `it could not move on: ${why}`
  await endUnlessMoved(trx, actor, { ...rollout, state: 'rolled_back', finishedMs: nowMs, sentence })
}
