// Recording a split of a version: with its audit and lineage, or the record that it equals.
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { recordLineage, type LineageNode, type LineageTables } from '../governance/lineage.ts'
import type { Transaction } from '../platform/database.ts'
import { versionNode } from './dataset-versions.ts'
import { splitDigest, splitText, type Split } from './split.ts'
import { findSplit, insertSplit, type SplitTables, type StoredSplit } from './split-store.ts'

export interface NewSplit {
  readonly dataset: string
  readonly version: number
  readonly split: Split
  /** What made it, such as `pipeline_run:…`. */
  readonly producedBy: LineageNode
}

/** `created` is false when the same rule came out the same before. */
export async function commitSplit(
  trx: Transaction<SplitTables & AuditTables & LineageTables>,
  actor: Actor,
  { dataset, version, split, producedBy }: NewSplit,
): Promise<{ split: StoredSplit; created: boolean }> {
  const digest = splitDigest(split)
  const known = await findSplit(trx, { dataset, version, digest })
  if (known) return { split: known, created: false }
  const atMs = actor.clock()
  const stored = {
    id: actor.ids('split'),
    dataset,
    version,
    digest,
    ...split,
    createdAtMs: atMs,
    createdBy: actor.name,
  }
  await insertSplit(trx, stored)
  const detail = { dataset, version, digest, rule: splitText(split), rows: split.rows }
  await recordAudit(trx, actor, { action: 'dataset.split_create', subject: stored.id, detail })
  const downstream: LineageNode = `dataset_split:${stored.id}`
  await recordLineage(trx, [
    { upstream: versionNode({ dataset, version }), downstream, relation: 'split_into', atMs },
    { upstream: producedBy, downstream, relation: 'produced', atMs },
  ])
  return { split: stored, created: true }
}
