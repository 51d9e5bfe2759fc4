// Everything that an MLflow server tells over its API, read into a database with MLflow's tables.
import { stageEvaluationDatasets, stageLabels } from './labelling.ts'
import { unlessAbsent, type StageDeps } from './deps.ts'
import { stageLoggedModels, stageRegistry } from './models.ts'
import { stageExperiments, stageRuns } from './runs.ts'
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
  await unlessAbsent(deps, 'traces', async () => {
    await stageTraces(deps, experiments)
    await stageTraceLinks(deps)
  })
  await unlessAbsent(deps, 'evaluation datasets', () => stageEvaluationDatasets(deps))
  await stageLabels(deps, experiments)
  await unlessAbsent(deps, 'webhooks', () => stageWebhooks(deps))
}
