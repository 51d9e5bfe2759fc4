// Putting a registered version through the gate: the judgement, its record, and the version's state, in one transaction.
import type { Transaction } from '../platform/database.ts'
import { recordAudit, type Actor } from '../governance/audit.ts'
import { recordLineage, type LineageEdge, type LineageNode } from '../governance/lineage.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent } from '../platform/events.ts'
import type { GateEvidence } from './evaluation.ts'
import type { GatePolicy } from './gate-policy.ts'
import { insertGate, type GateTables, type StoredGate } from './gate-store.ts'
import { judgeGate } from './gate.ts'
import { getGraphVersion } from './model-version-store.ts'
import { versionNode, versionText, type TimeWindow, type VersionId } from './model-version.ts'
import type { RegistryTables } from './registry-tables.ts'
import { judgeVersion } from './version-changes.ts'

export interface GateRequest extends VersionId {
  readonly policy: GatePolicy
  /** The champion that the evidence compares with, by number; null: the model has none. */
  readonly champion: number | null
  readonly evidence: GateEvidence
  /** `dataset/version` of the held-out rows, and their event time. */
  readonly datasetVersion: string | null
  readonly heldOut: TimeWindow | null
}

/**
 * Judges a candidate and approves or rejects it in the name of the actor. Event `gate.passed` or `gate.failed` with payload {id, model,
 * version, champion, sentence, failed: names of failed checks}; lineage from the held-out rows and the champion to the gate, and from the
 * gate to the version.
 * @throws DomainError model_version_not_found, version_without_graph; gate_already_judged: the version is no candidate any more
 */
export async function passGate(
  trx: Transaction<RegistryTables & GateTables>,
  actor: Actor,
  request: GateRequest,
): Promise<StoredGate> {
  const { model, version, policy, evidence, datasetVersion, heldOut } = request
  const candidate = await getGraphVersion(trx, { model, version })
  if (candidate.state !== 'candidate') {
    const message = `${versionText(candidate)} is ${candidate.state} already: a gate judges candidates; register a new version to try again`
    throw new DomainError('conflict', 'gate_already_judged', message)
  }
  const champion = request.champion === null ? null : await getGraphVersion(trx, { model, version: request.champion })
  const result = judgeGate({
    policy,
    candidate: { ...candidate, name: versionText(candidate) },
    champion: champion && { ...champion, name: versionText(champion) },
    evidence,
    heldOut,
  })
  const atMs = actor.clock()
  const gate: StoredGate = {
    id: actor.ids('gate'),
    model,
    version,
    champion: request.champion,
    datasetVersion,
    ...result,
    evidence,
    judgedBy: actor.name,
    atMs,
  }
  await insertGate(trx, gate)
  await recordAudit(trx, actor, {
    action: 'gate.judge',
    subject: versionText(request),
    detail: { gate: gate.id, ...result },
  })
  await recordLineage(trx, edgesOf(gate))
  const failed = result.checks.filter((check) => !check.passed).map(({ name }) => name)
  const payload = { id: gate.id, model, version, champion: gate.champion, sentence: gate.sentence, failed }
  const type = gate.passed ? 'gate.passed' : 'gate.failed'
  await appendEvent(trx, { type, subject: versionText(request), payload, atMs })
  await judgeVersion(trx, actor, {
    model,
    version,
    state: gate.passed ? 'approved' : 'rejected',
    reason: gate.sentence,
  })
  return gate
}

function edgesOf({ id, model, version, champion, datasetVersion, atMs }: StoredGate): LineageEdge[] {
  const gate: LineageNode = `gate:${id}`
  const into = (upstream: LineageNode, relation: string): LineageEdge => ({
    upstream,
    downstream: gate,
    relation,
    atMs,
  })
  return [
    ...(datasetVersion === null ? [] : [into(`dataset_version:${datasetVersion}`, 'evaluated_on')]),
    ...(champion === null ? [] : [into(versionNode({ model, version: champion }), 'compared_with')]),
    { upstream: gate, downstream: versionNode({ model, version }), relation: 'judged_by', atMs },
  ]
}
