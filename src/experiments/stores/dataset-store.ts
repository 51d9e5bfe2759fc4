// The only file that reads or writes the tables logged_dataset and run_dataset.
import { isAmong } from '../../platform/among.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { contextTag, versionOfDataset, type DatasetInput, type LoggedDataset } from '../logged-dataset.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { ExperimentTables } from '../tables.ts'

/** An input as stored; `datasetVersion` where it is one of this home. */
export interface StoredInput extends DatasetInput {
  readonly datasetVersion: string | null
  readonly context: string
}

type Trx = Transaction<ExperimentTables>

/** Of many runs, by run id, in the order in which the datasets were first logged. */
export async function readDatasetInputs(
  db: Db<ExperimentTables>,
  runIds: readonly string[],
): Promise<Map<string, StoredInput[]>> {
  const found = new Map<string, StoredInput[]>()
  const rows = await on(db)
    .selectFrom('run_dataset')
    .innerJoin('logged_dataset', 'logged_dataset.id', 'run_dataset.dataset_id')
    .selectAll()
    .where(isAmong(db, 'run_dataset.run_id', runIds))
    .orderBy('run_dataset.run_id')
    .orderBy('run_dataset.dataset_id')
    .orderBy('run_dataset.context')
    .execute()
  for (const row of rows) {
    const inputs = found.get(row.run_id) ?? []
    const { name, digest, source, schema, profile } = row
    inputs.push({
      dataset: { name, digest, sourceType: row.source_type, source, schema, profile },
      tags: JSON.parse(row.tags) as DatasetInput['tags'],
      datasetVersion: row.dataset_version,
      context: row.context,
    })
    found.set(row.run_id, inputs)
  }
  return found
}

const keyOf = ({ name, digest }: Pick<LoggedDataset, 'name' | 'digest'>): string => JSON.stringify([name, digest])

/** Ids by name and digest (see `idOf`) within an experiment; those that are not there are made, and what is there stays as it is. */
export async function ensureDatasets(
  trx: Trx,
  experimentId: number,
  datasets: readonly LoggedDataset[],
): Promise<(dataset: LoggedDataset) => number> {
  const ids = new Map<string, number>()
  const wanted = Map.groupBy(datasets, keyOf)
  for (const names of chunksOf([...new Set(datasets.map(({ name }) => name))])) {
    const rows = await on(trx)
      .selectFrom('logged_dataset')
      .select(['id', 'name', 'digest'])
      .where('experiment_id', '=', experimentId)
      .where('name', 'in', names)
      .where('digest', 'in', [...new Set(datasets.map(({ digest }) => digest))])
      .execute()
    for (const row of rows) ids.set(keyOf(row), row.id)
  }
  const fresh = [...wanted].filter(([key]) => !ids.has(key)).map(([, [first]]) => first!)
  for (const chunk of chunksOf(fresh)) {
    const rows = chunk.map(({ sourceType, ...dataset }) => ({
      ...dataset,
      experiment_id: experimentId,
      source_type: sourceType,
      dataset_version: versionOfDataset({ sourceType, source: dataset.source }),
    }))
    const made = await on(trx).insertInto('logged_dataset').values(rows).returning(['id', 'name', 'digest']).execute()
    for (const row of made) ids.set(keyOf(row), row.id)
  }
  return (dataset) => ids.get(keyOf(dataset))!
}

/** Ids of the datasets that the run reads already. */
export async function readDatasetIds(trx: Trx, runId: string): Promise<Set<number>> {
  const rows = await on(trx).selectFrom('run_dataset').select('dataset_id').where('run_id', '=', runId).execute()
  return new Set(rows.map(({ dataset_id: id }) => id))
}

/** One that is there for the same context stays as it is. */
export async function insertDatasetInputs(
  trx: Trx,
  runId: string,
  inputs: readonly { readonly datasetId: number; readonly tags: DatasetInput['tags'] }[],
): Promise<void> {
  const rows = inputs.map(({ datasetId, tags }) => ({
    run_id: runId,
    dataset_id: datasetId,
    context: tags[contextTag] ?? '',
    tags: JSON.stringify(tags),
  }))
  for (const chunk of chunksOf(rows)) {
    await on(trx)
      .insertInto('run_dataset')
      .values(chunk)
      .onConflict((c) => c.doNothing())
      .execute()
  }
}
