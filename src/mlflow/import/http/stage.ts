// Everything that an MLflow server tells over its API, read into a database with MLflow's tables.
import { DomainError } from '../../../platform/errors.ts'
import { stageEvaluationDatasets, stageLabels } from './labelling.ts'
import { unlessAbsent, type SourceExperiment, type StageDeps } from './deps.ts'
import { stageLoggedModels, stageRegistry } from './models.ts'
import { stageExperiments, stageRuns } from './runs.ts'
import { stageLegacyTraces } from './legacy-traces.ts'
import { stageTraceLinks, stageTraces } from './traces.ts'
import { stageWebhooks } from './webhooks.ts'

/**
 * What was staged whole before a cut is not read again. Kinds that the server does not have are noted.
 * @throws DomainError import_unreachable, import_refused, import_source
 */
export async function stageServer(deps: StageDeps): Promise<void> {
  const experiments = await stageExperiments(deps)
  deps.tell(`read: ${experiments.length} experiments`)
  await stageRuns(deps, experiments)
  await unlessAbsent(deps, 'logged models', () => stageLoggedModels(deps, experiments))
  await unlessAbsent(deps, 'registered models', () => stageRegistry(deps))
  await unlessAbsent(deps, 'traces', () => stageTracesOf(deps, experiments))
  await unlessAbsent(deps, 'evaluation datasets', () => stageEvaluationDatasets(deps))
  await stageLabels(deps, experiments)
  await unlessAbsent(deps, 'webhooks', () => stageWebhooks(deps))
}

/** Servers before MLflow 3 have another method for them. */
async function stageTracesOf(deps: StageDeps, experiments: readonly SourceExperiment[]): Promise<void> {
  try {
    await stageTraces(deps, experiments)
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'import_method' && error.detail?.['status'] === 404))
      throw error
    await stageLegacyTraces(deps, experiments)
    return
  }
  await stageTraceLinks(deps)
}
