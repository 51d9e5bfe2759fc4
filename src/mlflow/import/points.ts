// Full metric histories of one run, and the proof that they arrived.
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { bringPoints } from '../../experiments/bring-in.ts'
import type { MetricPoint } from '../../experiments/metric.ts'
import { on, transact } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import type { ImportDeps } from './deps.ts'
import { isTrue } from './rows.ts'
import type { SourceRow } from './source.ts'

const pointOf = (row: SourceRow): MetricPoint => ({
  key: String(row['key']),
  step: row['step'] as number | bigint,
  atMs: row['timestamp'] as number | bigint,
  value: isTrue(row['is_nan']) ? Number.NaN : Number(row['value']),
})

/** Of a set of points, whatever their order: each one's sha256, all of them joined by exclusive or. */
class PointDigest {
  count = 0
  readonly #sum = Buffer.alloc(32)

  add({ key, step, atMs, value }: MetricPoint): void {
    this.count += 1
    const one = createHash('sha256')
      .update(`${JSON.stringify(key)} ${step} ${atMs} ${value}`)
      .digest()
    for (const [index, byte] of one.entries()) this.#sum[index]! ^= byte
  }

  get text(): string {
    return `${this.count} ${this.#sum.toString('hex')}`
  }
}

/** Answers how many. @throws DomainError import_incomplete when the home has other points than the source */
export async function copyPoints(deps: ImportDeps, runId: string): Promise<number> {
  const { db, source } = deps
  const sent = new PointDigest()
  const query =
    'select key, value, timestamp, step, is_nan from metrics where run_uuid = ? order by key, timestamp, step'
  for await (const rows of source.rows(query, [runId])) {
    const points = rows.map(pointOf)
    for (const point of points) sent.add(point)
    await transact(db, (trx) => bringPoints(trx, runId, points))
  }
  const stored = await digestOf(deps, runId)
  if (stored.text === sent.text) return sent.count
  const message = `run ${runId} has ${stored.count} points here and ${sent.count} at its source, or others: was it written to since it was brought over?`
  throw new DomainError('conflict', 'import_incomplete', message)
}

async function digestOf({ db, reader }: ImportDeps, runId: string): Promise<PointDigest> {
  const digest = new PointDigest()
  const query = sql<SourceRow>`select m.key, p.value, p.at_ms as timestamp, p.step, p.is_nan
    from metric_point p join run_metric m on m.series = p.series where m.run_id = ${runId}`.compile(on(db))
  for await (const rows of reader.rows(query)) for (const row of rows) digest.add(pointOf(row))
  return digest
}
