// Reading runs: one with all it recorded, or many as a list shows them.
import type { Db } from '../platform/database.ts'
import { artifactOf, runTree } from './artifact.ts'
import { listFiles } from './artifacts.ts'
import { artifactsMax, runNotFound, type Run, type RunSummary } from './run.ts'
import { wireOfSummary, type MetricSummary, type WireMetricSummary } from './metric.ts'
import { readInputs } from './stores/artifact-store.ts'
import { readSummaries } from './stores/metric-store.ts'
import { readTexts } from './stores/param-store.ts'
import { readEnvironment, readRunHeaders } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

/** In the order of `ids`; ids without a run are left out. */
export async function readRunSummaries(db: Db<ExperimentTables>, ids: readonly string[]): Promise<RunSummary[]> {
  const headers = new Map((await readRunHeaders(db, ids)).map((header) => [header.id, header]))
  const params = await readTexts(db, 'run_param', ids)
  const tags = await readTexts(db, 'run_tag', ids)
  const metrics = await readSummaries(db, ids)
  return ids.flatMap((id) => {
    const header = headers.get(id)
    if (!header) return []
    const { environmentDigest: _environment, seeds: _seeds, code: _code, ...summary } = header
    return [{ ...summary, params: params.get(id) ?? {}, tags: tags.get(id) ?? {}, metrics: metrics.get(id) ?? {} }]
  })
}

/** Deleted runs too. @throws DomainError run_not_found */
export async function getRun(db: Db<ExperimentTables>, id: string): Promise<Run> {
  const [header] = await readRunHeaders(db, [id])
  const [summary] = await readRunSummaries(db, [id])
  if (!header || !summary) throw runNotFound(id)
  return {
    ...summary,
    seeds: header.seeds,
    code: header.code,
    environment: header.environmentDigest === null ? null : await readEnvironment(db, header.environmentDigest),
    inputs: await readInputs(db, id),
    artifacts: (await listFiles(db, runTree(header), { limit: artifactsMax })).map(artifactOf),
  }
}

type Wire<T extends RunSummary> = Omit<T, 'metrics'> & { metrics: Record<string, WireMetricSummary> }

/** For JSON, which has no NaN. */
export const wireOfRun = <T extends RunSummary>(run: T): Wire<T> => ({
  ...run,
  metrics: Object.fromEntries(
    Object.entries(run.metrics as Readonly<Record<string, MetricSummary>>).map(([key, summary]) => [
      key,
      wireOfSummary(summary),
    ]),
  ),
})
