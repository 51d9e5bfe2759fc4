// The only file that reads or writes the table gateway_fleet.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { firstFleet, type GatewayFleet } from '../gateway-fleet.ts'

export interface FleetTables {
  gateway_fleet: { id: number; workers: number | null; restarts: number }
}

const fleetRow = 1

export async function findFleet(db: Db<FleetTables>): Promise<GatewayFleet> {
  const row = await on(db).selectFrom('gateway_fleet').select(['workers', 'restarts']).executeTakeFirst()
  return row ?? firstFleet
}

export async function putFleet(trx: Transaction<FleetTables>, fleet: GatewayFleet): Promise<void> {
  await on(trx)
    .insertInto('gateway_fleet')
    .values({ id: fleetRow, ...fleet })
    .onConflict((c) => c.column('id').doUpdateSet({ ...fleet }))
    .execute()
}
