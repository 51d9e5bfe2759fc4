// The only file that reads or writes the table gate_result.
import { z } from 'zod'
import { on, type Db, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { GateEvidence } from './evaluation.ts'
import { GateCheck } from './gate-policy.ts'
import type { VersionId } from './model-version.ts'

export const StoredGate = z.strictObject({
  id: z.string(),
  model: z.string(),
  version: z.int().positive(),
  /** Version that it was compared with; null: there was none. */
  champion: z.int().positive().nullable(),
  /** `dataset/version` of the held-out rows. */
  datasetVersion: z.string().nullable(),
  passed: z.boolean(),
  sentence: z.string(),
  checks: z.array(GateCheck),
  evidence: GateEvidence,
  judgedBy: z.string(),
  atMs: z.int(),
})
export type StoredGate = Readonly<z.infer<typeof StoredGate>>

export interface GateTables {
  gate_result: {
    id: string
    model: string
    version: number
    champion: number | null
    dataset_version: string | null
    passed: number
    sentence: string
    checks: string
    evidence: string
    judged_by: string
    at_ms: number
  }
}

export async function insertGate(trx: Transaction<GateTables>, gate: StoredGate): Promise<void> {
  const row = {
    id: gate.id,
    model: gate.model,
    version: gate.version,
    champion: gate.champion,
    dataset_version: gate.datasetVersion,
    passed: gate.passed ? 1 : 0,
    sentence: gate.sentence,
    checks: JSON.stringify(gate.checks),
    evidence: JSON.stringify(gate.evidence),
    judged_by: gate.judgedBy,
    at_ms: gate.atMs,
  }
  await on(trx).insertInto('gate_result').values(row).execute()
}

const gateOf = (row: GateTables['gate_result']): StoredGate => ({
  id: row.id,
  model: row.model,
  version: row.version,
  champion: row.champion,
  datasetVersion: row.dataset_version,
  passed: row.passed === 1,
  sentence: row.sentence,
  checks: JSON.parse(row.checks) as StoredGate['checks'],
  evidence: JSON.parse(row.evidence) as StoredGate['evidence'],
  judgedBy: row.judged_by,
  atMs: row.at_ms,
})

/** @throws DomainError gate_not_found */
export async function getGate(db: Db<GateTables>, id: string): Promise<StoredGate> {
  const row = await on(db).selectFrom('gate_result').selectAll().where('id', '=', id).executeTakeFirst()
  if (row) return gateOf(row)
  throw new DomainError('not_found', 'gate_not_found', `there is no gate result "${id}"`)
}

const gatesMax = 100

/** Newest first, at most 100. */
export async function listGates(db: Db<GateTables>, { model, version }: VersionId): Promise<StoredGate[]> {
  const rows = await on(db)
    .selectFrom('gate_result')
    .selectAll()
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('id', 'desc')
    .limit(gatesMax)
    .execute()
  return rows.map(gateOf)
}
