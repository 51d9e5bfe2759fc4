// What a person asks of a running loop: a retrain now, a pause, its end, a graph of their own to be judged. The engine hears of it by an event.
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { transact, type Connection, type Transaction } from '../platform/database.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import { findState, getAppliedSpec, type LoopTables } from './loop-store.ts'
import { proposalsMax } from './policy-state.ts'

export type LoopRequestKind = 'retrain_requested' | 'paused' | 'resumed'

const audited = { retrain_requested: 'loop.trigger', paused: 'loop.pause', resumed: 'loop.resume' } as const

/**
 * Records the wish, its reason and who has it. Asking for what is so already is heard and changes nothing.
 * @throws DomainError loop_not_found
 */
export async function requestOfLoop(
  db: Connection<LoopTables & AuditTables & EventTables>,
  actor: Actor,
  { loop, kind, reason }: { loop: string; kind: LoopRequestKind; reason: string },
): Promise<void> {
  await transact(db, async (trx) => {
    await getAppliedSpec(trx, loop)
    await tellRequest(trx, actor, { loop, kind, reason })
  })
}

/** Whether the loop came to rest without a model: then it is asked to try once more, since whoever applies it again wants one. */
export async function retryWithoutChampion(trx: RequestTrx, actor: Actor, loop: string): Promise<boolean> {
  const state = (await findState(trx, loop))?.state
  const isAtRest = state?.phase === 'waiting_for_data' && !state.attempt && !state.requested && !state.paused
  // Before its first attempt the loop has heard nothing yet, and begins by itself.
  if (!isAtRest || state.attempts === 0) return false
  await tellRequest(trx, actor, { loop, kind: 'retrain_requested', reason: 'applied again while no model serves' })
  return true
}

type RequestTrx = Transaction<LoopTables & AuditTables & EventTables>

async function tellRequest(
  trx: RequestTrx,
  actor: Actor,
  { loop, kind, reason }: { loop: string; kind: LoopRequestKind; reason: string },
): Promise<void> {
  await recordAudit(trx, actor, { action: audited[kind], subject: loop, detail: { reason } })
  const payload = { loop, actor: actor.name, reason }
  await appendEvent(trx, { type: `loop.${kind}`, subject: loop, payload, atMs: actor.clock() })
}

/**
 * Brings a graph that was made elsewhere: it is judged on the loop's own rows as a retrained model is, after what is under way. The bytes
 * must be in the blob store; whether they are a graph that fits is found out by the attempt, which tells it.
 * @throws DomainError loop_not_found, blob_not_found, proposals_full
 */
export async function proposeCandidate(
  { db, blobs }: { db: Connection<LoopTables & AuditTables & EventTables>; blobs: Pick<BlobStore, 'has'> },
  actor: Actor,
  { loop, digest, reason }: { loop: string; digest: string; reason: string },
): Promise<void> {
  if (!(await blobs.has(digest))) {
    const message = `there is no object ${digest}: upload the ONNX file with POST /api/blobs first`
    throw new DomainError('not_found', 'blob_not_found', message)
  }
  await transact(db, async (trx) => {
    await getAppliedSpec(trx, loop)
    const waiting = (await findState(trx, loop))?.state.proposals.length ?? 0
    if (waiting >= proposalsMax) {
      const message = `${waiting} proposals of loop "${loop}" wait already, which is the most: propose it again when one has been judged`
      throw new DomainError('conflict', 'proposals_full', message)
    }
    await recordAudit(trx, actor, { action: 'loop.propose', subject: loop, detail: { digest, reason } })
    const payload = { loop, actor: actor.name, onnx: digest, reason }
    await appendEvent(trx, { type: 'loop.candidate_proposed', subject: loop, payload, atMs: actor.clock() })
  })
}
