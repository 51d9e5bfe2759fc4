// What a run read and made: datasets and logged models, and their edges of the lineage graph.
import { recordLineage, type LineageEdge, type LineageTables } from '../governance/lineage.ts'
import type { Actor } from '../governance/audit.ts'
import type { Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { contextTag, datasetOfVersion, versionOfDataset, type DatasetInput } from './logged-dataset.ts'
import type { RunInput } from './run.ts'
import { ensureDatasets, insertDatasetInputs, readDatasetIds } from './stores/dataset-store.ts'
import { insertModelInputs, insertModelOutputs, readModelOutputs, type ModelOutput } from './stores/run-model-store.ts'
import type { ExperimentTables } from './tables.ts'
import { writableRun } from './writable-run.ts'

type Trx = Transaction<ExperimentTables & LineageTables>
type RunKey = { readonly id: string; readonly experimentId: number }

/** Adds dataset versions that the run reads, and their edges of the lineage graph. Idempotent. @throws DomainError run_not_found, run_deleted */
export async function logInputs(
  trx: Trx,
  actor: Actor,
  { runId, inputs }: { runId: string; inputs: readonly RunInput[] },
): Promise<void> {
  await putInputs(trx, await writableRun(trx, runId), { inputs, atMs: actor.clock() })
}

/** Of a run that takes writes: the same version may be read in several roles. */
export async function putInputs(
  trx: Trx,
  run: RunKey,
  { inputs, atMs }: { inputs: readonly RunInput[]; atMs: number },
): Promise<void> {
  if (inputs.length === 0) return
  const named = inputs.map(({ datasetVersion, role }) => ({
    dataset: datasetOfVersion(datasetVersion),
    tags: { [contextTag]: role },
  }))
  const idOf = await ensureDatasets(
    trx,
    run.experimentId,
    named.map(({ dataset }) => dataset),
  )
  await insertDatasetInputs(
    trx,
    run.id,
    named.map(({ dataset, tags }) => ({ datasetId: idOf(dataset), tags })),
  )
  await recordReads(trx, run, { inputs: named, atMs })
}

/**
 * Adds datasets by name and digest, and logged models that the run reads. The first to name a dataset in an experiment says what it is, and
 * the first to log it for a run says with which tags: what comes again changes nothing.
 * @throws DomainError run_not_found, run_deleted
 */
export async function logDatasets(
  trx: Trx,
  actor: Actor,
  logged: { runId: string; datasets: readonly DatasetInput[]; modelIds: readonly string[] },
): Promise<void> {
  const { runId, datasets, modelIds } = logged
  const run = await writableRun(trx, runId)
  const atMs = actor.clock()
  await putModelInputs(trx, runId, { modelIds: [...new Set(modelIds)], atMs })
  if (datasets.length === 0) return
  const idOf = await ensureDatasets(
    trx,
    run.experimentId,
    datasets.map(({ dataset }) => dataset),
  )
  const known = await readDatasetIds(trx, runId)
  const fresh = datasets.filter(({ dataset }) => {
    const isFresh = !known.has(idOf(dataset))
    known.add(idOf(dataset))
    return isFresh
  })
  await insertDatasetInputs(
    trx,
    runId,
    fresh.map(({ dataset, tags }) => ({ datasetId: idOf(dataset), tags })),
  )
  await recordReads(trx, run, { inputs: fresh, atMs })
}

async function putModelInputs(
  trx: Trx,
  runId: string,
  { modelIds, atMs }: { modelIds: readonly string[]; atMs: number },
): Promise<void> {
  await insertModelInputs(trx, runId, modelIds)
  const edges = modelIds.flatMap((id): LineageEdge[] =>
    id === '' ? [] : [{ upstream: `logged_model:${id}`, downstream: `run:${runId}`, relation: 'read', atMs }],
  )
  await recordLineage(trx, edges)
}

async function recordReads(
  trx: Trx,
  run: RunKey,
  { inputs, atMs }: { inputs: readonly DatasetInput[]; atMs: number },
): Promise<void> {
  const edges = inputs.flatMap(({ dataset, tags }): LineageEdge[] => {
    const version = versionOfDataset(dataset)
    if (version === null) return []
    const relation = relationOf[tags[contextTag] ?? ''] ?? 'read'
    return [{ upstream: `dataset_version:${version}`, downstream: `run:${run.id}`, relation, atMs }]
  })
  await recordLineage(trx, edges)
}

const relationOf: Readonly<Record<string, string | undefined>> = Object.assign(Object.create(null), {
  training: 'trained_on',
  evaluation: 'evaluated_on',
})

/** Adds logged models that the run made. Idempotent. @throws DomainError run_not_found, run_deleted, run_output_step */
export async function logOutputs(
  trx: Trx,
  actor: Actor,
  { runId, outputs }: { runId: string; outputs: readonly ModelOutput[] },
): Promise<void> {
  await writableRun(trx, runId)
  const stored = await readModelOutputs(trx, [runId])
  const steps = new Map((stored.get(runId) ?? []).map(({ modelId, step }) => [modelId, step]))
  const fresh = outputs.filter(({ modelId, step }) => {
    const known = steps.get(modelId)
    steps.set(modelId, step)
    if (known !== undefined && known !== step) throw outputStep(runId, { modelId, step: known })
    return known === undefined
  })
  await insertModelOutputs(trx, runId, fresh)
  const atMs = actor.clock()
  const edges = fresh.flatMap(({ modelId: id }): LineageEdge[] =>
    id === '' ? [] : [{ upstream: `run:${runId}`, downstream: `logged_model:${id}`, relation: 'produced', atMs }],
  )
  await recordLineage(trx, edges)
}

const outputStep = (runId: string, { modelId, step }: ModelOutput): DomainError =>
  new DomainError(
    'conflict',
    'run_output_step',
    `run "${runId}" made model "${modelId}" at step ${step}: a model is made once`,
  )
