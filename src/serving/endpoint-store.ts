// The only file that reads or writes the tables endpoint, endpoint_variant, deployment, gateway_generation and version_quarantine.
import { on, type Db, type Transaction } from '../platform/database.ts'
import {
  EndpointStop,
  sortVariants,
  type Deployment,
  type Endpoint,
  type EndpointSettings,
  type EndpointVariant,
} from './endpoint.ts'
import { EndpointOptions } from './endpoint-options.ts'

export interface EndpointTables {
  endpoint: {
    name: string
    generation: number
    split_salt: string
    clock: string
    log_share: number
    queue_rows_max: number
    /** EndpointOptions as JSON. */
    options: string
    created_at_ms: number
    /** EndpointStop as JSON; null: it answers. */
    stopped: string | null
  }
  endpoint_variant: { endpoint: string; version: string; role: string; weight: number }
  deployment: {
    endpoint: string
    generation: number
    at_ms: number
    actor: string
    reason: string
    variants: string
  }
  gateway_generation: { id: number; generation: number }
  version_quarantine: { version: string; at_ms: number; reason: string }
}

/** Endpoints of one home. */
export const endpointsMax = 1_000

type Found = Endpoint['variants'][number]

function endpointOf(row: EndpointTables['endpoint'], variants: readonly Found[]): Endpoint {
  return {
    name: row.name,
    generation: row.generation,
    splitSalt: row.split_salt,
    clock: row.clock as Endpoint['clock'],
    logShare: row.log_share,
    queueRowsMax: row.queue_rows_max,
    options: EndpointOptions.parse(JSON.parse(row.options)),
    createdAtMs: row.created_at_ms,
    stopped: row.stopped === null ? null : EndpointStop.parse(JSON.parse(row.stopped)),
    variants: sortVariants(variants),
  }
}

/** By name. */
export async function listEndpoints(db: Db<EndpointTables>, name?: string): Promise<Endpoint[]> {
  let endpoints = on(db).selectFrom('endpoint').selectAll().orderBy('name').limit(endpointsMax)
  let variants = on(db)
    .selectFrom('endpoint_variant')
    .leftJoin('version_quarantine', 'version_quarantine.version', 'endpoint_variant.version')
    .select(['endpoint', 'endpoint_variant.version', 'role', 'weight', 'version_quarantine.at_ms as quarantined_at_ms'])
  if (name !== undefined) {
    endpoints = endpoints.where('name', '=', name)
    variants = variants.where('endpoint', '=', name)
  }
  const byEndpoint = new Map<string, Found[]>()
  for (const { endpoint, version, role, weight, quarantined_at_ms: quarantinedAtMs } of await variants.execute()) {
    const found = byEndpoint.get(endpoint) ?? []
    found.push({ version, role: role as Found['role'], weight, quarantined: quarantinedAtMs !== null })
    byEndpoint.set(endpoint, found)
  }
  const rows = await endpoints.execute()
  return rows.map((row) => endpointOf(row, byEndpoint.get(row.name) ?? []))
}

export async function findEndpoint(db: Db<EndpointTables>, name: string): Promise<Endpoint | undefined> {
  return (await listEndpoints(db, name))[0]
}

export async function putEndpoint(
  trx: Transaction<EndpointTables>,
  {
    name,
    settings,
    ...rest
  }: {
    name: string
    settings: EndpointSettings
    generation: number
    splitSalt: string
    createdAtMs: number
  },
): Promise<void> {
  const change = {
    generation: rest.generation,
    split_salt: rest.splitSalt,
    clock: settings.clock,
    log_share: settings.logShare,
    queue_rows_max: settings.queueRowsMax,
    options: JSON.stringify(settings.options),
  }
  await on(trx)
    .insertInto('endpoint')
    .values({ name, created_at_ms: rest.createdAtMs, ...change })
    .onConflict((c) => c.column('name').doUpdateSet(change))
    .execute()
}

/** Null: it answers again. */
export async function putStop(
  trx: Transaction<EndpointTables>,
  change: { name: string; generation: number; stop: EndpointStop | null },
): Promise<void> {
  const stopped = change.stop === null ? null : JSON.stringify(change.stop)
  await on(trx)
    .updateTable('endpoint')
    .set({ stopped, generation: change.generation })
    .where('name', '=', change.name)
    .execute()
}

export async function removeEndpoint(trx: Transaction<EndpointTables>, name: string): Promise<void> {
  await on(trx).deleteFrom('endpoint_variant').where('endpoint', '=', name).execute()
  await on(trx).deleteFrom('endpoint').where('name', '=', name).execute()
}

/** All of an endpoint's variants at once, and the record of it. */
export async function putDeployment(trx: Transaction<EndpointTables>, deployment: Deployment): Promise<void> {
  const { endpoint, generation, variants, atMs, ...words } = deployment
  await on(trx).deleteFrom('endpoint_variant').where('endpoint', '=', endpoint).execute()
  if (variants.length > 0) {
    await on(trx)
      .insertInto('endpoint_variant')
      .values(variants.map(({ version, role, weight }) => ({ endpoint, version, role, weight })))
      .execute()
  }
  const row = { endpoint, generation, ...words, at_ms: atMs, variants: JSON.stringify(variants) }
  await on(trx).insertInto('deployment').values(row).execute()
}

/** Newest first, those before generation `before`. */
export async function listDeployments(
  db: Db<EndpointTables>,
  { endpoint, before, limit }: { endpoint: string; before?: number | undefined; limit: number },
): Promise<Deployment[]> {
  let query = on(db)
    .selectFrom('deployment')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .orderBy('generation', 'desc')
    .limit(limit)
  if (before !== undefined) query = query.where('generation', '<', before)
  const rows = await query.execute()
  return rows.map(({ at_ms: atMs, variants, ...row }) => ({
    ...row,
    atMs,
    variants: JSON.parse(variants) as EndpointVariant[],
  }))
}

const generationRow = 1

/** Of the gateways' configuration; 0 before the first change. */
export async function currentGeneration(db: Db<EndpointTables>): Promise<number> {
  const row = await on(db).selectFrom('gateway_generation').select('generation').executeTakeFirst()
  return row?.generation ?? 0
}

/** The next generation, for the transaction of a change. */
export async function nextGeneration(trx: Transaction<EndpointTables>): Promise<number> {
  const generation = (await currentGeneration(trx)) + 1
  await on(trx)
    .insertInto('gateway_generation')
    .values({ id: generationRow, generation })
    .onConflict((c) => c.column('id').doUpdateSet({ generation }))
    .execute()
  return generation
}

/** Answers false when the version was taken out before. */
export async function addQuarantine(
  trx: Transaction<EndpointTables>,
  { version, atMs, reason }: { version: string; atMs: number; reason: string },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows: rows } = await on(trx)
    .insertInto('version_quarantine')
    .values({ version, at_ms: atMs, reason })
    .onConflict((c) => c.column('version').doNothing())
    .executeTakeFirstOrThrow()
  return Number(rows) > 0
}

/** Answers false when the version was not quarantined. */
export async function removeQuarantine(trx: Transaction<EndpointTables>, version: string): Promise<boolean> {
  const { numDeletedRows: rows } = await on(trx)
    .deleteFrom('version_quarantine')
    .where('version', '=', version)
    .executeTakeFirstOrThrow()
  return Number(rows) > 0
}
