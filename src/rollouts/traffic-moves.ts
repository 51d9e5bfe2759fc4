// What each state of a rollout means for the aliases and for the endpoint's variants: the only place where a rollout moves traffic.
import type { Transaction } from '../platform/database.ts'
import { recordAudit, type Actor } from '../governance/audit.ts'
import { recordLineage, type LineageNode } from '../governance/lineage.ts'
import { findAlias } from '../models/alias-store.ts'
import { moveAlias, removeAlias, type PromotionTables } from '../models/promotion.ts'
import type { MonitoringTables } from '../monitoring/tables.ts'
import { appendEvent } from '../platform/events.ts'
import type { EndpointTables } from '../serving/endpoint-store.ts'
import type { EndpointVariant } from '../serving/endpoint.ts'
import { setVariants } from '../serving/endpoints.ts'
import type { AbTables } from './ab/ab-test-store.ts'
import { championText, challengerText, type Rollout, type RolloutFinished } from './rollout.ts'
import { putRollout, type RolloutTables } from './rollout-store.ts'

export type RolloutDatabase = RolloutTables & AbTables & MonitoringTables & EndpointTables & PromotionTables
export type RolloutTrx = Transaction<RolloutDatabase>

export const rolloutNode = (id: string): LineageNode => `rollout:${id}`

/** Who answers in this state. A promoted rollout that is watched keeps its former champion loaded, without traffic. */
export function variantsFor(rollout: Rollout): EndpointVariant[] {
  const champion = championText(rollout)
  const challenger = challengerText(rollout)
  switch (rollout.state) {
    case 'shadow':
      return [
        { version: champion, role: 'champion', weight: 1 },
        { version: challenger, role: 'shadow', weight: 0 },
      ]
    case 'canary': {
      const weight = rollout.policy.ramp[rollout.step]!
      return [
        { version: champion, role: 'champion', weight: 1 - weight },
        { version: challenger, role: 'canary', weight },
      ]
    }
    case 'promoted':
      return [
        { version: challenger, role: 'champion', weight: 1 },
        ...(rollout.watchUntilMs === null ? [] : [{ version: champion, role: 'canary', weight: 0 } as const]),
      ]
    case 'pending':
    case 'rolled_back':
    case 'inconclusive':
    case 'cancelled':
      return [{ version: champion, role: 'champion', weight: 1 }]
  }
}

/** Stores the rollout's new state and moves the endpoint's traffic to it. */
export async function enter(trx: RolloutTrx, actor: Actor, rollout: Rollout): Promise<void> {
  await putRollout(trx, rollout)
  const { endpoint, id, state, sentence } = rollout
  await setVariants(trx, actor, { endpoint, variants: variantsFor(rollout), reason: `rollout ${id}: ${sentence}` })
  await recordAudit(trx, actor, { action: `rollout.${state}`, subject: id, detail: { endpoint, sentence } })
}

/** The challenger becomes champion: aliases, traffic, lineage, audit and event at once. */
export async function promote(trx: RolloutTrx, actor: Actor, rollout: Rollout): Promise<void> {
  const { id, model, champion, challenger, sentence } = rollout
  const reason = `rollout ${id}: ${sentence}`
  await moveAlias(trx, actor, { model, alias: 'champion', version: challenger, expected: champion, reason })
  await dropChallenger(trx, actor, { rollout, reason })
  await enter(trx, actor, rollout)
  const edge = {
    upstream: rolloutNode(id),
    downstream: `deployment:${model}@champion`,
    relation: 'promoted_by',
  } as const
  await recordLineage(trx, [{ ...edge, atMs: actor.clock() }])
  await announceEnd(trx, actor, { rollout, outcome: 'promoted' })
}

/** The champion keeps (or gets back) all traffic, and the challenger's alias goes. */
export async function endWithChampion(trx: RolloutTrx, actor: Actor, rollout: Rollout): Promise<void> {
  await dropChallenger(trx, actor, { rollout, reason: `rollout ${rollout.id}: ${rollout.sentence}` })
  await enter(trx, actor, rollout)
  await announceEnd(trx, actor, { rollout, outcome: rollout.state === 'rolled_back' ? 'rolled_back' : 'inconclusive' })
}

/** The rollout ends and leaves traffic and champion as somebody else set them. */
export async function cancel(trx: RolloutTrx, actor: Actor, rollout: Rollout): Promise<void> {
  const { id, endpoint, sentence } = rollout
  await dropChallenger(trx, actor, { rollout, reason: `rollout ${id}: ${sentence}` })
  await putRollout(trx, rollout)
  await recordAudit(trx, actor, { action: 'rollout.cancelled', subject: id, detail: { endpoint, sentence } })
  await announceEnd(trx, actor, { rollout, outcome: 'inconclusive' })
}

/** A promotion is undone: the former champion, still loaded, has the alias and all traffic again. Event `rollout.taken_back`. */
export async function takeBack(trx: RolloutTrx, actor: Actor, rollout: Rollout): Promise<void> {
  const { id, model, champion, challenger, sentence } = rollout
  const reason = `rollout ${id}: ${sentence}`
  await moveAlias(trx, actor, { model, alias: 'champion', version: champion, expected: challenger, reason })
  await enter(trx, actor, rollout)
  const payload = finished(rollout, 'rolled_back')
  await appendEvent(trx, { type: 'rollout.taken_back', subject: rollout.endpoint, payload, atMs: actor.clock() })
}

/** The challenger's alias, unless somebody has moved it since. */
async function dropChallenger(
  trx: RolloutTrx,
  actor: Actor,
  { rollout: { model, challenger }, reason }: { rollout: Rollout; reason: string },
): Promise<void> {
  const found = await findAlias(trx, { model, alias: 'challenger' })
  if (found?.version !== challenger) return
  await removeAlias(trx, actor, { model, alias: 'challenger', expected: challenger, reason })
}

const finished = (rollout: Rollout, outcome: RolloutFinished['outcome']): RolloutFinished => ({
  id: rollout.id,
  endpoint: rollout.endpoint,
  model: rollout.model,
  champion: championText(rollout),
  challenger: challengerText(rollout),
  outcome,
  sentence: rollout.sentence,
})

async function announceEnd(
  trx: RolloutTrx,
  actor: Actor,
  { rollout, outcome }: { rollout: Rollout; outcome: RolloutFinished['outcome'] },
): Promise<void> {
  const payload = finished(rollout, outcome)
  await appendEvent(trx, { type: 'rollout.finished', subject: rollout.endpoint, payload, atMs: actor.clock() })
}
