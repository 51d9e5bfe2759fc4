// Logged models and registered ones of a server, staged.
import type * as wire from '../../generated/messages.ts'
import { enums } from '../../generated/descriptors.ts'
import { once, pagesOf, type SourceExperiment, type StageDeps } from './deps.ts'
import { experimentIdOf, numberOf } from './runs.ts'

const loggedPage = 50
const registeredPage = 100
const versionsPage = 1000

/** Deleted ones are not listed anywhere. */
export async function stageLoggedModels(deps: StageDeps, experiments: readonly SourceExperiment[]): Promise<void> {
  for (const { id } of experiments) {
    await once(deps, `logged models of ${id}`, async () => {
      const pages = pagesOf((token) =>
        deps.remote.call('searchLoggedModels', { experiment_ids: [id], max_results: loggedPage, page_token: token }),
      )
      for await (const { models = [] } of pages) for (const model of models) stageLoggedModel(deps, model)
    })
  }
}

function stageLoggedModel({ staging }: StageDeps, { info = {}, data = {} }: wire.LoggedModel): void {
  const id = info.model_id ?? ''
  const owner = { model_id: id, experiment_id: experimentIdOf(info.experiment_id) }
  staging.insert('logged_models', [
    {
      ...owner,
      name: info.name ?? '',
      artifact_location: info.artifact_uri ?? '',
      creation_timestamp_ms: info.creation_timestamp_ms ?? 0,
      last_updated_timestamp_ms: info.last_updated_timestamp_ms ?? 0,
      status: enums.LoggedModelStatus[info.status ?? 'LOGGED_MODEL_STATUS_UNSPECIFIED'],
      lifecycle_stage: 'active',
      model_type: info.model_type ?? null,
      source_run_id: info.source_run_id ?? null,
    },
  ])
  staging.insert(
    'logged_model_params',
    (data.params ?? []).map(({ key = '', value = '' }) => ({ ...owner, param_key: key, param_value: value })),
  )
  staging.insert(
    'logged_model_tags',
    (info.tags ?? []).map(({ key = '', value = '' }) => ({ ...owner, tag_key: key, tag_value: value })),
  )
  staging.insert(
    'logged_model_metrics',
    (data.metrics ?? []).map((metric) => {
      const value = numberOf(metric.value)
      return {
        ...owner,
        metric_name: metric.key ?? '',
        metric_timestamp_ms: metric.timestamp ?? 0,
        metric_step: metric.step ?? 0,
        metric_value: Number.isNaN(value) ? null : value,
        run_id: metric.run_id ?? '',
        dataset_name: metric.dataset_name ?? null,
        dataset_digest: metric.dataset_digest ?? null,
      }
    }),
  )
}

/** Prompts are models that are listed only when they are asked for. */
const filters = [undefined, "tags.`mlflow.prompt.is_prompt` = 'true'"]

export async function stageRegistry(deps: StageDeps): Promise<void> {
  const { remote, staging } = deps
  for (const filter of filters) {
    const models = pagesOf((token) =>
      remote.call('searchRegisteredModels', { filter, max_results: registeredPage, page_token: token }),
    )
    for await (const { registered_models: page = [] } of models) for (const model of page) stageModel(deps, model)
    const versions = pagesOf((token) =>
      remote.call('searchModelVersions', { filter, max_results: versionsPage, page_token: token }),
    )
    for await (const { model_versions: page = [] } of versions) for (const version of page) stageVersion(deps, version)
  }
  const [orphan] = await staging.all(
    'select name from model_versions where name not in (select name from registered_models) limit 1',
  )
  const [own] = await staging.all("select count(*) as count from model_versions where source like 'trueloop:/%'")
  if (Number(own?.['count']) > 0) {
    deps.note(
      `${String(own?.['count'])} versions that a loop registered came without their model, which no MLflow API tells: bring a whole home over with "trueloop backup"`,
    )
  }
  if (orphan) deps.note(`The model "${String(orphan['name'])}" was made while the import ran: import once more`)
}

function stageModel({ staging }: StageDeps, model: wire.RegisteredModel): void {
  const { name = '' } = model
  staging.insert('registered_models', [
    {
      name,
      creation_time: model.creation_timestamp ?? 0,
      last_updated_time: model.last_updated_timestamp ?? model.creation_timestamp ?? 0,
      description: model.description ?? null,
    },
  ])
  staging.insert(
    'registered_model_tags',
    (model.tags ?? []).map(({ key = '', value = '' }) => ({ name, key, value })),
  )
  staging.insert(
    'registered_model_aliases',
    (model.aliases ?? []).map(({ alias = '', version = '0' }) => ({ name, alias, version: Number(version) })),
  )
}

function stageVersion({ staging }: StageDeps, version: wire.ModelVersion): void {
  const id = { name: version.name ?? '', version: Number(version.version) }
  staging.insert('model_versions', [
    {
      ...id,
      creation_time: version.creation_timestamp ?? 0,
      last_updated_time: version.last_updated_timestamp ?? version.creation_timestamp ?? 0,
      description: version.description ?? null,
      user_id: version.user_id ?? null,
      current_stage: version.current_stage ?? 'None',
      source: version.source ?? null,
      run_id: version.run_id ?? null,
      status: version.status ?? 'READY',
      run_link: version.run_link ?? null,
    },
  ])
  staging.insert(
    'model_version_tags',
    (version.tags ?? []).map(({ key = '', value = '' }) => ({ ...id, key, value })),
  )
}
