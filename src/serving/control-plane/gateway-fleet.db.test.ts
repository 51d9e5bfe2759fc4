// How many workers the gateways run: bounded, recorded, and part of what gateways are told.
import { expect, test } from 'vitest'
import { governanceMigrations } from '../../governance/migrations.ts'
import { testActor } from '../../governance/testing.ts'
import { modelMigrations } from '../../models/migrations.ts'
import { on, transact } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import { restartFleet, scaleFleet } from './fleet-changes.ts'
import { createGatewayConfigs } from '../gateway-configs.ts'
import { servingMigrations } from '../migrations.ts'
import type { ServingTables } from '../routes.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...modelMigrations, ...servingMigrations }

test('a change of the workers reaches the gateways, is recorded once, and ends at four a core', async () => {
  await using db = await createTestDatabase<ServingTables>(migrations)
  const actor = testActor()
  const configs = createGatewayConfigs(db)
  const scale = (workers: number | null) =>
    transact(db, (trx) => scaleFleet(trx, actor, { workers, cores: 2, reason: 'a busy day' }))
  expect((await configs.current()).fleet).toEqual({ workers: null, restarts: 0 })
  await scale(8)
  const { generation, fleet } = await configs.current()
  expect(fleet).toEqual({ workers: 8, restarts: 0 })
  await scale(8)
  expect((await configs.current()).generation).toBe(generation)
  await expect(scale(9)).rejects.toThrow('a gateway on 2 cores runs 1 to 8 workers (4 a core), not 9')
  await transact(db, (trx) => restartFleet(trx, actor, { reason: 'new settings' }))
  await scale(null)
  expect((await configs.current()).fleet).toEqual({ workers: null, restarts: 1 })
  const audited = await on(db).selectFrom('audit_event').select('action').where('subject', '=', 'gateway').execute()
  expect(audited.map(({ action }) => action).toSorted()).toEqual(['gateway.restart', 'gateway.scale', 'gateway.scale'])
})
