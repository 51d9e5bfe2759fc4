// Full metric histories of one run, and the proof that they arrived.
import { sql } from 'kysely'
import { bringPoints } from '../../experiments/bring-in.ts'
import type { MetricPoint } from '../../experiments/metric.ts'
import { on, transact } from '../../platform/database.ts'
import type { ImportDeps } from './deps.ts'
import { isTrue } from './rows.ts'
import type { SourceRow } from './source.ts'
import { SetDigest } from './verify/digest.ts'
import type { Report } from './verify/report.ts'

const pointOf = (row: SourceRow): MetricPoint => ({
  key: String(row['key']),
  step: row['step'] as number | bigint,
  atMs: row['timestamp'] as number | bigint,
  value: isTrue(row['is_nan']) ? Number.NaN : Number(row['value']),
})

const textOf = ({ key, step, atMs, value }: MetricPoint): string => `${JSON.stringify(key)} ${step} ${atMs} ${value}`

/** Adds to the report what both sides have of the run. Answers how many its source has. */
export async function copyPoints(deps: ImportDeps, runId: string, report: Report): Promise<number> {
  const { db, source } = deps
  const sent = new SetDigest()
  const query =
    'select key, value, timestamp, step, is_nan from metrics where run_uuid = ? order by key, timestamp, step'
  for await (const rows of source.rows(query, [runId])) {
    const points = rows.map(pointOf)
    for (const point of points) sent.add(textOf(point))
    await transact(db, (trx) => bringPoints(trx, runId, points))
  }
  const stored = await digestOf(deps, runId)
  report.add({ kind: 'metric points', whose: `the run ${runId}` }, { theirs: sent, ours: stored })
  return sent.count
}

async function digestOf({ db, reader }: ImportDeps, runId: string): Promise<SetDigest> {
  const digest = new SetDigest()
  const query = sql<SourceRow>`select m.key, p.value, p.at_ms as timestamp, p.step, p.is_nan
    from metric_point p join run_metric m on m.series = p.series where m.run_id = ${runId}`.compile(on(db))
  for await (const rows of reader.rows(query)) for (const row of rows) digest.add(textOf(pointOf(row)))
  return digest
}
