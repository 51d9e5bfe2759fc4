// The only file that writes the table logged_model_metric: points of runs that are points of logged models as well.
import type { Transaction } from '../../platform/database.ts'
import { insertRows, type BulkInsert } from '../../platform/bulk-insert.ts'
import type { LoggedPoint } from '../metric.ts'
import { storedValue } from '../metrics/bucket.ts'
import type { ExperimentTables } from '../tables.ts'

const insert: BulkInsert = {
  table: 'logged_model_metric',
  columns: {
    model_id: 'text',
    key: 'text',
    at_ms: 'bigint',
    step: 'bigint',
    run_id: 'text',
    value: 'double precision',
    is_nan: 'integer',
    dataset_name: 'text',
    dataset_digest: 'text',
  },
  after: 'on conflict do nothing',
}

/** Those of `runs` that name a model; one that is there already changes nothing. */
export async function addModelPoints(
  trx: Transaction<ExperimentTables>,
  runs: readonly { readonly runId: string; readonly points: readonly LoggedPoint[] }[],
): Promise<void> {
  const rows = runs.flatMap(({ runId, points }) =>
    points.flatMap(({ model, key, atMs, step, value }) => {
      if (!model) return []
      const stored = storedValue(value)
      const { name = null, digest = null } = model.dataset ?? {}
      return [[model.id, key, atMs, step, runId, stored.value, stored.isNan, name, digest]]
    }),
  )
  await insertRows(trx, insert, rows)
}
