// The only file that reads or writes the tables run_artifact and run_input.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { Artifact, RunInput } from '../run.ts'
import { chunksOf, type ExperimentTables } from '../tables.ts'

/** By name, those after `after`. */
export async function readArtifacts(
  db: Db<ExperimentTables>,
  runId: string,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<Artifact[]> {
  let query = on(db).selectFrom('run_artifact').selectAll().where('run_id', '=', runId).orderBy('name').limit(limit)
  if (after !== undefined) query = query.where('name', '>', after)
  return (await query.execute()).map(artifactOf)
}

export async function findArtifact(
  db: Db<ExperimentTables>,
  runId: string,
  name: string,
): Promise<Artifact | undefined> {
  const row = await on(db)
    .selectFrom('run_artifact')
    .selectAll()
    .where('run_id', '=', runId)
    .where('name', '=', name)
    .executeTakeFirst()
  return row && artifactOf(row)
}

const artifactOf = (row: ExperimentTables['run_artifact']): Artifact => ({
  name: row.name,
  blob: { digest: row.digest, bytes: row.bytes },
  mediaType: row.media_type,
})

export async function countArtifacts(db: Db<ExperimentTables>, runId: string): Promise<number> {
  const { count } = await on(db)
    .selectFrom('run_artifact')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function putArtifact(
  trx: Transaction<ExperimentTables>,
  { runId, atMs, ...artifact }: Artifact & { runId: string; atMs: number },
): Promise<void> {
  const { digest, bytes } = artifact.blob
  const change = { digest, bytes, media_type: artifact.mediaType, at_ms: atMs }
  await on(trx)
    .insertInto('run_artifact')
    .values({ run_id: runId, name: artifact.name, ...change })
    .onConflict((c) => c.columns(['run_id', 'name']).doUpdateSet(change))
    .execute()
}

export async function readInputs(db: Db<ExperimentTables>, runId: string): Promise<RunInput[]> {
  const rows = await on(db)
    .selectFrom('run_input')
    .select(['dataset_version', 'role'])
    .where('run_id', '=', runId)
    .orderBy('dataset_version')
    .orderBy('role')
    .execute()
  return rows.map((row) => ({ datasetVersion: row.dataset_version, role: row.role }))
}

/** Idempotent. */
export async function insertInputs(
  trx: Transaction<ExperimentTables>,
  runId: string,
  inputs: readonly RunInput[],
): Promise<void> {
  const rows = inputs.map(({ datasetVersion, role }) => ({ run_id: runId, dataset_version: datasetVersion, role }))
  for (const chunk of chunksOf(rows)) {
    await on(trx)
      .insertInto('run_input')
      .values(chunk)
      .onConflict((c) => c.doNothing())
      .execute()
  }
}
