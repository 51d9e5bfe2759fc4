// Starting a rollout, and taking one back by hand.
import type { Actor } from '../governance/audit.ts'
import { recordLineage } from '../governance/lineage.ts'
import { findAlias } from '../models/alias-store.ts'
import { versionNode, versionText } from '../models/model-version.ts'
import { moveAlias } from '../models/promotion.ts'
import { within, type Db } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent } from '../platform/events.ts'
import type { Endpoint } from '../serving/endpoint.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import { getEndpoint } from '../serving/endpoints.ts'
import { findActiveAbTest } from './ab/ab-test-store.ts'
import { abTestActive } from './ab-test.ts'
import {
  challengerServes,
  challengerText,
  championText,
  nothingToRollBack,
  rolloutActive,
  rolloutNotFound,
  rolloutWithoutChampion,
  type Rollout,
  type RolloutPolicy,
} from './rollout.ts'
import { findActiveRollout, findLastPromotion, findRollout, findRolloutByKey, putRollout } from './rollout-store.ts'
import {
  cancel,
  endWithChampion,
  enter,
  rolloutNode,
  takeBack,
  type RolloutDatabase,
  type RolloutTrx,
} from './traffic-moves.ts'

export interface NewRollout {
  readonly endpoint: string
  readonly model: string
  /** The challenger; it must be approved. */
  readonly version: number
  readonly policy: RolloutPolicy
  /** Policy time. */
  readonly nowMs: number
  readonly reason: string
  /** What was started under it once is answered again, not started again. */
  readonly key?: string | undefined
}

/**
 * Starts comparing a version with the champion: alias `challenger`, its first variant behind the endpoint, lineage, audit and the event
 * `rollout.started` in one transaction (the caller's, when it is given one). One rollout at a time behind an endpoint.
 * @throws DomainError rollout_active, ab_test_active, rollout_without_champion, challenger_serves, endpoint_variants_taken, endpoint_not_found,
 * model_version_not_found, version_not_approved
 */
export async function startRollout(db: Db<RolloutDatabase>, actor: Actor, input: NewRollout): Promise<Rollout> {
  return within(db, async (trx) => {
    const known = input.key === undefined ? undefined : await findRolloutByKey(trx, input.key)
    if (known) return known
    const { endpoint, model, version, policy, nowMs, reason } = input
    const champion = await comparedWith(trx, input)
    const first = policy.shadow ? 'shadow' : policy.canary ? 'canary' : 'pending'
    const rollout: Rollout = {
      id: actor.ids('rol'),
      endpoint,
      model,
      champion,
      challenger: version,
      key: input.key ?? null,
      state: first,
      step: 0,
      policy,
      startedMs: nowMs,
      phaseStartedMs: nowMs,
      finishedMs: null,
      watchUntilMs: null,
      slowLimitMs: null,
      rehearsal: null,
      held: false,
      sentence: `${model}/${version} is compared with ${model}/${champion}: ${reason}`,
      createdBy: actor.name,
      createdAtMs: actor.clock(),
    }
    const before = await findAlias(trx, { model, alias: 'challenger' })
    if (before?.version !== version) {
      const expected = before?.version ?? null
      await moveAlias(trx, actor, { model, alias: 'challenger', version, expected, reason: rollout.sentence })
    }
    await enter(trx, actor, rollout)
    const atMs = actor.clock()
    const judged = [versionNode({ model, version }), versionNode({ model, version: champion })]
    await recordLineage(
      trx,
      judged.map((upstream) => ({ upstream, downstream: rolloutNode(rollout.id), relation: 'judged_by', atMs })),
    )
    const payload = {
      id: rollout.id,
      endpoint,
      model,
      champion: championText(rollout),
      challenger: challengerText(rollout),
      sentence: rollout.sentence,
    }
    await appendEvent(trx, { type: 'rollout.started', subject: endpoint, payload, atMs })
    return rollout
  })
}

/** The champion that the challenger meets; every reason against beginning is found here. */
async function comparedWith(trx: RolloutTrx, { endpoint: name, model, version }: NewRollout): Promise<number> {
  const active = await findActiveRollout(trx, name)
  if (active) throw rolloutActive(name, active.id)
  const tested = await findActiveAbTest(trx, name)
  if (tested) throw abTestActive(name, tested.id)
  const endpoint = await getEndpoint(trx, name)
  const alias = await findAlias(trx, { model, alias: 'champion' })
  const serving = endpoint.variants.find(({ role }) => role === 'champion')
  if (!alias || serving?.version !== versionText({ model, version: alias.version })) {
    throw rolloutWithoutChampion(name, model)
  }
  if (alias.version === version) throw challengerServes(name, versionText({ model, version }))
  assertFree(endpoint)
  const watched = await findLastPromotion(trx, name)
  if (watched && watched.watchUntilMs !== null) await putRollout(trx, { ...watched, watchUntilMs: null })
  return alias.version
}

/** A former champion that is only kept loaded may go; a variant that somebody put there by hand may not. @throws DomainError endpoint_variants_taken */
export function assertFree({ name, variants }: Endpoint): void {
  const other = variants.find(({ role, weight }) => role === 'shadow' || (role === 'canary' && weight > 0))
  if (!other) return
  throw new DomainError(
    'conflict',
    'endpoint_variants_taken',
    `endpoint "${name}" has ${other.version} as ${other.role} already: remove it first, or its rows and a rollout's would mix`,
  )
}

export interface Rollback {
  readonly endpoint: string
  readonly reason: string
  /** Policy time. */
  readonly nowMs: number
}

/**
 * Takes the challenger away at once, or undoes the last promotion if its version is still champion. What somebody else moved meanwhile stays.
 * @throws DomainError nothing_to_roll_back
 */
export async function rollback(db: Db<RolloutDatabase>, actor: Actor, input: Rollback): Promise<Rollout> {
  return within(db, async (trx) => {
    const { endpoint, reason, nowMs } = input
    const sentence = `${actor.name} rolled back: ${reason}`
    const active = await findActiveRollout(trx, endpoint)
    if (active) {
      return endUnlessMoved(trx, actor, { ...active, state: 'rolled_back', finishedMs: nowMs, sentence })
    }
    const promoted = await findLastPromotion(trx, endpoint)
    if (!promoted) throw nothingToRollBack(endpoint)
    return undo(trx, actor, { ...promoted, finishedMs: nowMs, sentence })
  })
}

/** The version that {@link rollback} would put back and that is not answering now; undefined: it only takes a challenger away, or nothing. */
export async function rollbackTarget(db: Db<RolloutDatabase>, endpoint: string): Promise<string | undefined> {
  if (await findActiveRollout(db, endpoint)) return undefined
  const promoted = await findLastPromotion(db, endpoint)
  return promoted && championText(promoted)
}

/**
 * Undoes one promotion, if its version still is champion and nothing else is being rolled out. What was undone already is answered again.
 * @throws DomainError rollout_not_found, rollout_active, nothing_to_roll_back, version_not_approved
 */
export async function takeBackPromotion(
  db: Db<RolloutDatabase>,
  actor: Actor,
  { rollout: id, reason, nowMs }: { rollout: string; reason: string; nowMs: number },
): Promise<Rollout> {
  return within(db, async (trx) => {
    const promoted = await findRollout(trx, id)
    if (!promoted) throw rolloutNotFound(id)
    if (promoted.state === 'rolled_back') return promoted
    const active = await findActiveRollout(trx, promoted.endpoint)
    if (active) throw rolloutActive(promoted.endpoint, active.id)
    return undo(trx, actor, { ...promoted, finishedMs: nowMs, sentence: reason })
  })
}

async function undo(trx: RolloutTrx, actor: Actor, promoted: Rollout): Promise<Rollout> {
  if (promoted.state !== 'promoted' || !(await isStillChampion(trx, promoted))) {
    throw nothingToRollBack(promoted.endpoint)
  }
  const back: Rollout = { ...promoted, state: 'rolled_back', watchUntilMs: null }
  await takeBack(trx, actor, back)
  return back
}

/** Whether the version that this rollout promoted has the alias and the traffic. */
export async function isStillChampion(trx: RolloutTrx, rollout: Rollout): Promise<boolean> {
  const alias = await findAlias(trx, { model: rollout.model, alias: 'champion' })
  if (alias?.version !== rollout.challenger) return false
  const { variants } = await getEndpoint(trx, rollout.endpoint)
  return variants.some(({ version, role }) => role === 'champion' && version === challengerText(rollout))
}

/** What somebody else changed so that the comparison has lost its ground; undefined: nothing. */
export async function movedBySomebody(
  trx: RolloutTrx,
  rollout: Rollout,
  endpoint: Endpoint | undefined,
): Promise<string | undefined> {
  const { model, champion } = rollout
  if (!endpoint) return `endpoint "${rollout.endpoint}" is gone`
  const alias = await findAlias(trx, { model, alias: 'champion' })
  if (alias?.version !== champion) {
    return `the champion of ${model} was moved from ${champion} to ${alias?.version ?? 'nothing'} while ${challengerText(rollout)} was compared with it`
  }
  const serves = (version: string): boolean => endpoint.variants.some((variant) => variant.version === version)
  if (!serves(championText(rollout))) return `${championText(rollout)} was taken from the endpoint by somebody else`
  if (rollout.state !== 'pending' && !serves(challengerText(rollout))) {
    return `${challengerText(rollout)} was taken from the endpoint by somebody else`
  }
  return undefined
}

/** What was moved meanwhile stays as it is: the rollout is cancelled then, and in no other case. */
export async function endUnlessMoved(trx: RolloutTrx, actor: Actor, ended: Rollout): Promise<Rollout> {
  const active = await findRollout(trx, ended.id)
  const moved = active && (await movedBySomebody(trx, active, await findEndpoint(trx, ended.endpoint)))
  if (!moved) {
    await endWithChampion(trx, actor, ended)
    return ended
  }
  const cancelled: Rollout = { ...ended, state: 'cancelled', sentence: `${ended.sentence}; ${moved}` }
  await cancel(trx, actor, cancelled)
  return cancelled
}
