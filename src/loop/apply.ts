// Applying a spec: the things it names are made, its version is stored, and the engine hears of it. Idempotent, in one transaction.
import { createHash } from 'node:crypto'
import type { Code } from '../experiments/run.ts'
import { recordAudit, type Actor } from '../governance/audit.ts'
import { transact, type Connection, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent } from '../platform/events.ts'
import { loopCodeMissing } from './command-trainer.ts'
import { defineLoop, type DefinitionTables } from './definitions.ts'
import { findAppliedSpec, insertAppliedSpec, type AppliedSpec, type LoopTables } from './loop-store.ts'
import { retryWithoutChampion } from './loop-request.ts'
import { isEmptyPlan, planLoop, retrainReasons, type Definition, type Plan } from './plan.ts'
import type { LoopSpec } from './spec.ts'

export interface Application {
  readonly spec: LoopSpec
  /** The code of the project; undefined: that of the version before. */
  readonly code?: Code | undefined
  /** The version that the caller's plan was compared with, so that nobody applies over what they have not seen. */
  readonly fromVersion?: number | undefined
}

export type ApplyTables = LoopTables & DefinitionTables

export interface Applied {
  readonly plan: Plan
  /** The version that runs now; the one before when nothing had to change. */
  readonly version: number
  /** Nothing had to change, no model serves and none was under way: it is tried again. */
  readonly retried: boolean
}

/**
 * Makes the loop what the spec says. Applying what is applied already changes nothing and records nothing, unless the loop came to rest
 * without a model: then it tries again.
 * @throws DomainError loop_changed, loop_code_missing, and what the stages throw whose things it defines
 */
export async function applyLoop(
  db: Connection<ApplyTables>,
  actor: Actor,
  { spec, fromVersion, ...sent }: Application,
): Promise<Applied> {
  return transact(db, async (trx) => {
    const applied = await findAppliedSpec(trx, spec.name)
    assertFrom(spec.name, fromVersion, applied)
    const code = sent.code ?? applied?.code ?? null
    if (spec.training.trainer.trainer === 'command' && !code?.snapshot) throw loopCodeMissing(spec.name)
    const plan = planLoop({ spec, code }, applied)
    if (applied && isEmptyPlan(plan)) {
      return { plan, version: applied.version, retried: await retryWithoutChampion(trx, actor, spec.name) }
    }
    await defineLoop(trx, actor, spec)
    const version = (applied?.version ?? 0) + 1
    await storeVersion(trx, actor, { spec, code, version, plan })
    return { plan, version, retried: false }
  })
}

async function storeVersion(
  trx: Transaction<ApplyTables>,
  actor: Actor,
  { spec, code, version, plan }: Definition & { version: number; plan: Plan },
): Promise<void> {
  const digest = createHash('sha256').update(JSON.stringify(spec)).digest('hex')
  const appliedMs = actor.clock()
  await insertAppliedSpec(trx, { version, digest, spec, code, appliedBy: actor.name, appliedMs })
  const changes = plan.changes.filter(({ action }) => action !== 'none')
  await recordAudit(trx, actor, { action: 'loop.apply', subject: spec.name, detail: { version, digest, changes } })
  const payload = { loop: spec.name, specVersion: version, actor: actor.name, retrainFor: retrainReasons(plan) }
  await appendEvent(trx, { type: 'loop.applied', subject: spec.name, payload, atMs: appliedMs })
}

function assertFrom(loop: string, fromVersion: number | undefined, found: AppliedSpec | undefined): void {
  const version = found?.version ?? 0
  if (fromVersion === undefined || fromVersion === version) return
  const message = `loop "${loop}" is at version ${version}, not at ${fromVersion}: somebody applied another; plan again, then decide`
  throw new DomainError('conflict', 'loop_changed', message, { found: version, expected: fromVersion })
}
