// A home of before: its models, versions, tags, aliases and gate results are all there after the registry's tables were made anew.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { governanceMigrations } from '../../governance/migrations.ts'
import { migrate, on, transact } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import { findAlias } from '../alias-store.ts'
import { listGates } from '../gate-store.ts'
import { modelMigrations } from '../migrations.ts'
import { findModel } from '../model-store.ts'
import { findBaseline, getVersion } from '../model-version-store.ts'
import type { ModelRouteTables } from '../routes.ts'

const all = { ...eventMigrations, ...governanceMigrations, ...modelMigrations }
const before = Object.fromEntries(Object.entries(all).filter(([key]) => key < '2026-11-21-53'))

test('what was registered before is registered after', async () => {
  await using db = await createTestDatabase<ModelRouteTables>(before)
  const signature = JSON.stringify({
    task: 'regression',
    inputs: [{ name: 'x', type: 'double', required: true }],
    classes: [],
  })
  const baseline = JSON.stringify({
    rows: 1,
    features: [],
    prediction: { bins: { kind: 'numeric', edges: [] }, counts: [0, 0] },
    days: [],
  })
  await transact(db, async (trx) => {
    await sql`insert into model values ('flights', 'late?', '{"team":"ops","a \\"b\\"":"ü"}', 2, 1, 3)`.execute(on(trx))
    await sql`insert into model_version (model, version, state, description, tags, digest, bytes, signature, has_baseline, metrics,
        run_id, created_at_ms, created_by, approved_by, approved_at_ms, baseline)
      values ('flights', 2, 'approved', 'd', '{"k":"v"}', ${'a'.repeat(64)}, 10, ${signature}, 1, '{"auc":0.5}',
        'run_1', 5, 'ada', 'bob', 9, ${baseline})`.execute(on(trx))
    await sql`insert into model_alias values ('flights', 'champion', 2, 7)`.execute(on(trx))
    await sql`insert into gate_result values ('gate_1', 'flights', 2, null, null, 1, 'good',
        '[{"name":"a","passed":true,"sentence":"s","value":null,"threshold":null}]', '{}', 'ada', 8)`.execute(on(trx))
  })
  await migrate(db, all)
  expect(await findModel(db, 'flights')).toMatchObject({
    tags: { team: 'ops', 'a "b"': 'ü' },
    lastVersion: 2,
    description: 'late?',
    updatedAtMs: 3,
  })
  expect(await getVersion(db, { model: 'flights', version: 2 })).toMatchObject({
    state: 'approved',
    stage: 'None',
    tags: { k: 'v' },
    bytes: 10,
    metrics: { auc: 0.5 },
    runId: 'run_1',
    source: null,
    updatedAtMs: 9,
    approvedBy: 'bob',
  })
  expect(await findBaseline(db, { model: 'flights', version: 2 })).toMatchObject({ rows: 1 })
  expect(await findAlias(db, { model: 'flights', alias: 'champion' })).toMatchObject({ version: 2, setAtMs: 7 })
  expect(await listGates(db, { model: 'flights', version: 2 })).toMatchObject([{ id: 'gate_1', sentence: 'good' }])
})
