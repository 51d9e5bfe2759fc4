// Reading runs: one with all it recorded, or many as a list shows them.
import type { Db } from '../platform/database.ts'
import { artifactOf, runTree } from './artifact-uris.ts'
import { listFiles } from '../artifacts/artifacts.ts'
import { artifactsMax, runNotFound, type Run, type RunSummary } from './run.ts'
import { wireOfSummary, type MetricSummary, type WireMetricSummary } from './metric.ts'
import { plainRole } from './logged-dataset.ts'
import { readDatasetInputs, type StoredInput } from './stores/dataset-store.ts'
import { readSummaries } from './stores/metric-store.ts'
import { readTexts } from './stores/param-store.ts'
import { readModelInputs, readModelOutputs, type ModelOutput } from './stores/run-model-store.ts'
import { readEnvironment, readRunHeaders, type RunHeader } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

/** In the order of `ids`; ids without a run are left out. */
export async function readRunSummaries(db: Db<ExperimentTables>, ids: readonly string[]): Promise<RunSummary[]> {
  const headers = new Map((await readRunHeaders(db, ids)).map((header) => [header.id, header]))
  return withRecords(
    db,
    ids.flatMap((id) => headers.get(id) ?? []),
  )
}

async function withRecords(db: Db<ExperimentTables>, headers: readonly RunHeader[]): Promise<RunSummary[]> {
  const ids = headers.map(({ id }) => id)
  const params = await readTexts(db, 'run_param', ids)
  const tags = await readTexts(db, 'run_tag', ids)
  const metrics = await readSummaries(db, ids)
  return headers.map((header) => {
    const { environmentDigest: _environment, seeds: _seeds, code: _code, isDeletedWithExperiment: _is, ...row } = header
    const { id } = row
    return { ...row, params: params.get(id) ?? {}, tags: tags.get(id) ?? {}, metrics: metrics.get(id) ?? {} }
  })
}

/** What a run read and made. */
export interface RunLinks {
  readonly datasets: readonly StoredInput[]
  readonly modelInputs: readonly string[]
  readonly modelOutputs: readonly ModelOutput[]
}

/** By run id. */
export async function readRunLinks(db: Db<ExperimentTables>, ids: readonly string[]): Promise<Map<string, RunLinks>> {
  const datasets = await readDatasetInputs(db, ids)
  const inputs = await readModelInputs(db, ids)
  const outputs = await readModelOutputs(db, ids)
  const linksOf = (id: string): RunLinks => ({
    datasets: datasets.get(id) ?? [],
    modelInputs: inputs.get(id) ?? [],
    modelOutputs: outputs.get(id) ?? [],
  })
  return new Map(ids.map((id) => [id, linksOf(id)]))
}

/** Deleted runs too. @throws DomainError run_not_found */
export async function getRun(db: Db<ExperimentTables>, id: string): Promise<Run> {
  const [header] = await readRunHeaders(db, [id])
  if (!header) throw runNotFound(id)
  const [summary] = await withRecords(db, [header])
  const links = (await readRunLinks(db, [id])).get(id)!
  return {
    ...summary!,
    seeds: header.seeds,
    code: header.code,
    environment: header.environmentDigest === null ? null : await readEnvironment(db, header.environmentDigest),
    inputs: links.datasets.flatMap(({ datasetVersion, context }) =>
      datasetVersion === null ? [] : [{ datasetVersion, role: context || plainRole }],
    ),
    datasets: links.datasets.flatMap(({ datasetVersion, dataset, tags }) => {
      const { schema: _schema, profile: _profile, ...shown } = dataset
      return datasetVersion === null ? [{ ...shown, tags }] : []
    }),
    modelInputs: [...links.modelInputs],
    modelOutputs: links.modelOutputs.map(({ modelId, step }) => ({ modelId, step: Number(step) })),
    artifacts: (await listFiles(db, runTree(header), { limit: artifactsMax })).map(artifactOf),
  }
}

/** A run with what it read and made, for MLflow's clients. @throws DomainError run_not_found */
export async function getLinkedRun(db: Db<ExperimentTables>, id: string): Promise<RunSummary & { links: RunLinks }> {
  const [summary] = await readRunSummaries(db, [id])
  if (!summary) throw runNotFound(id)
  return { ...summary, links: (await readRunLinks(db, [id])).get(id)! }
}

type Wire<T extends RunSummary> = Omit<T, 'metrics' | 'startedAtMs' | 'endedAtMs'> & {
  startedAtMs: number
  endedAtMs: number | null
  metrics: Record<string, WireMetricSummary>
}

/** For JSON, which has no NaN and no integers beyond 2^53. */
export const wireOfRun = <T extends RunSummary>(run: T): Wire<T> => ({
  ...run,
  startedAtMs: Number(run.startedAtMs),
  endedAtMs: run.endedAtMs === null ? null : Number(run.endedAtMs),
  metrics: Object.fromEntries(
    Object.entries(run.metrics as Readonly<Record<string, MetricSummary>>).map(([key, summary]) => [
      key,
      wireOfSummary(summary),
    ]),
  ),
})
