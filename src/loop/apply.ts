// Applying a spec: the things it names are made, its version is stored, and the engine hears of it. Idempotent.
import { createHash } from 'node:crypto'
import type { Kysely, Transaction } from 'kysely'
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { transact } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import { findAppliedSpec, insertAppliedSpec, type AppliedSpec, type LoopTables } from './loop-store.ts'
import { isEmptyPlan, planLoop, retrainReasons, type Plan } from './plan.ts'
import type { LoopSpec } from './spec.ts'

export type ApplyTables = LoopTables & AuditTables & EventTables

export interface ApplyDeps {
  readonly db: Kysely<ApplyTables>
  /** Makes the dataset, model, endpoint and monitors that the spec names, or brings them up to date. Idempotent; wired by `app`. */
  readonly define: (actor: Actor, spec: LoopSpec) => Promise<void>
}

export interface Applied {
  readonly plan: Plan
  /** The version that runs now; the one before when nothing had to change. */
  readonly version: number
}

/**
 * Makes the loop what the spec says. Applying what is applied already changes nothing and records nothing.
 * `fromVersion`: the version that the caller's plan was compared with, so that nobody applies over what they have not seen.
 * @throws DomainError loop_changed
 */
export async function applyLoop(
  deps: ApplyDeps,
  actor: Actor,
  { spec, fromVersion }: { spec: LoopSpec; fromVersion?: number | undefined },
): Promise<Applied> {
  const seen = await findAppliedSpec(deps.db, spec.name)
  assertFrom(spec.name, fromVersion, seen)
  const plan = planLoop(spec, seen)
  if (seen && isEmptyPlan(plan)) return { plan, version: seen.version }
  // Before the version is stored: a crash in between leaves a plan that is not empty, and applying it again finishes the work.
  await deps.define(actor, spec)
  const version = (seen?.version ?? 0) + 1
  await transact(deps.db, async (trx) => {
    assertFrom(spec.name, seen?.version ?? 0, await findAppliedSpec(trx, spec.name))
    await storeVersion(trx, actor, { spec, version, plan })
  })
  return { plan, version }
}

async function storeVersion(
  trx: Transaction<ApplyTables>,
  actor: Actor,
  { spec, version, plan }: { spec: LoopSpec; version: number; plan: Plan },
): Promise<void> {
  const digest = createHash('sha256').update(JSON.stringify(spec)).digest('hex')
  const appliedMs = actor.clock()
  await insertAppliedSpec(trx, { version, digest, spec, appliedBy: actor.name, appliedMs })
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
