// Which datasets the runs of some experiments read, and what for.
import { on } from '../platform/database.ts'
import type { SearchDeps } from './search/context.ts'

export interface DatasetSummary {
  readonly experimentId: number
  readonly name: string
  readonly digest: string
  /** Null where a run did not say what for. */
  readonly context: string | null
}

/** Of one answer. */
export const datasetSummariesMax = 1000

/** Each once, by experiment, name, digest and context. */
export async function searchDatasets(
  { db, reader }: SearchDeps,
  experimentIds: readonly number[],
): Promise<DatasetSummary[]> {
  if (experimentIds.length === 0) return []
  const query = on(db)
    .selectFrom('logged_dataset')
    .innerJoin('run_dataset', 'run_dataset.dataset_id', 'logged_dataset.id')
    .select(['logged_dataset.experiment_id', 'logged_dataset.name', 'logged_dataset.digest', 'run_dataset.context'])
    .distinct()
    .where('logged_dataset.experiment_id', 'in', [...experimentIds])
    .orderBy('logged_dataset.experiment_id')
    .orderBy('logged_dataset.name')
    .orderBy('logged_dataset.digest')
    .orderBy('run_dataset.context')
    .limit(datasetSummariesMax)
  const rows = await reader.all(query.compile())
  return rows.map((row) => ({
    experimentId: row.experiment_id,
    name: row.name,
    digest: row.digest,
    context: row.context === '' ? null : row.context,
  }))
}
