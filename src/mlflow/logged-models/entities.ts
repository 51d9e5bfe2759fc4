// Logged models as MLflow's clients see them.
import { wireOfNumber } from '../../experiments/metric.ts'
import type { LoggedModel, LoggedModelState } from '../../experiments/logged-model.ts'
import type * as wire from '../generated/messages.ts'

const statusOf: Readonly<Record<LoggedModelState, wire.LoggedModelStatus>> = {
  unspecified: 'LOGGED_MODEL_STATUS_UNSPECIFIED',
  pending: 'LOGGED_MODEL_PENDING',
  ready: 'LOGGED_MODEL_READY',
  upload_failed: 'LOGGED_MODEL_UPLOAD_FAILED',
}

export const stateOfStatus: Readonly<Record<wire.LoggedModelStatus, LoggedModelState>> = {
  LOGGED_MODEL_STATUS_UNSPECIFIED: 'unspecified',
  LOGGED_MODEL_PENDING: 'pending',
  LOGGED_MODEL_READY: 'ready',
  LOGGED_MODEL_UPLOAD_FAILED: 'upload_failed',
}

const pairsOf = (texts: Readonly<Record<string, string>>): { key: string; value: string }[] =>
  Object.entries(texts).map(([key, value]) => ({ key, value }))

/** MLflow's server fills in no registrations. */
export const loggedModelOf = (model: LoggedModel): wire.LoggedModel => ({
  info: {
    model_id: model.id,
    experiment_id: String(model.experimentId),
    name: model.name,
    creation_timestamp_ms: model.createdAtMs,
    last_updated_timestamp_ms: model.updatedAtMs,
    artifact_uri: model.artifactUri,
    status: statusOf[model.state],
    model_type: model.modelType ?? '',
    source_run_id: model.sourceRunId ?? '',
    ...listed('tags', pairsOf(model.tags)),
  },
  data: {
    ...listed('params', pairsOf(model.params)),
    ...listed(
      'metrics',
      model.metrics.map((metric) => ({
        key: metric.key,
        value: wireOfNumber(metric.value),
        timestamp: metric.atMs,
        step: metric.step,
        dataset_name: metric.datasetName ?? undefined,
        dataset_digest: metric.datasetDigest ?? undefined,
        model_id: model.id,
        run_id: metric.runId,
      })),
    ),
  },
})

/** An empty list is left out. */
const listed = <Key extends string, Item>(key: Key, items: readonly Item[]): { [K in Key]?: readonly Item[] } =>
  (items.length === 0 ? {} : { [key]: items }) as { [K in Key]?: readonly Item[] }
