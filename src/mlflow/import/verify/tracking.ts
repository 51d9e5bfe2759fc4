// Experiments, runs and logged models, compared.
import { tableCopies } from '../../export/tables.ts'
import { originTag } from '../origin.ts'
import { timeOf } from '../rows.ts'
import type { SourceRow } from '../source.ts'
import { modelStates } from '../tracking.ts'
import { experimentOf, stageOf, tableComparison, uriHere, type Comparison, type Owners } from './comparison.ts'

/** Every home has an experiment 0 of its own, which stays what it is. */
const isOwn = (experimentId: unknown): boolean => Number(experimentId) === 0
const withoutOwn = (row: Readonly<Record<string, unknown>>) =>
  isOwn(row['experiment_id']) || row['key'] === originTag ? [] : [row]
const experimentCopies = tableCopies.map((copy) => ({ ...copy, rows: withoutOwn }))

export const experiments: Owners = {
  noun: 'experiment',
  table: 'experiments',
  key: 'experiment_id',
  comparisons: [
    tableComparison(
      {
        kind: 'experiments',
        table: 'experiments',
        owner: 'experiment_id',
        columns: ['experiment_id', 'name', 'artifact_location', 'lifecycle_stage', 'creation_time', 'last_update_time'],
        expected(row, renamed) {
          const id = experimentOf(row, renamed)
          return isOwn(id)
            ? undefined
            : {
                experiment_id: id,
                name: `${renamed.deps.prefix}${String(row['name'])}`,
                artifact_location: uriHere(row['artifact_location'], String(id), renamed),
                lifecycle_stage: stageOf(row),
                creation_time: timeOf(row['creation_time']),
                last_update_time: timeOf(row['last_update_time']),
              }
        },
      },
      experimentCopies,
    ),
    tableComparison(
      {
        kind: 'tags of experiments',
        table: 'experiment_tags',
        owner: 'experiment_id',
        columns: ['experiment_id', 'key', 'value'],
        expected(row, renamed) {
          const id = experimentOf(row, renamed)
          return isOwn(id) || row['key'] === originTag ? undefined : { ...row, experiment_id: id }
        },
      },
      experimentCopies,
    ),
  ],
}

const inputColumns = [
  'run_uuid',
  'name',
  'digest',
  'dataset_source_type',
  'dataset_source',
  'dataset_schema',
  'dataset_profile',
]
const theirInputs = 'from inputs i join datasets d on d.dataset_uuid = i.source_id'
// Of the two indexes the one on destinations: by their type alone, nearly all rows are found.
const ofRuns =
  "where (i.source_type || '') = 'DATASET' and i.destination_type = 'RUN' and i.destination_id in (:owners)"

const modelLinks = (kind: string, type: string, ours: string): Comparison => ({
  kind,
  owner: 'run_uuid',
  columns: ['run_uuid', 'model_id', 'step'],
  tables: ['inputs'],
  theirs: `select * from inputs where source_type = '${type}' and source_id in (:owners)`,
  // Steps came to the table long after it.
  expected: (row) => ({
    run_uuid: row['source_id'],
    model_id: row['destination_id'],
    step: type === 'RUN_OUTPUT' ? (row['step'] ?? 0) : 0,
  }),
  ours: [{ query: ours }],
})

export const runs: Owners = {
  noun: 'run',
  table: 'runs',
  key: 'run_uuid',
  comparisons: [
    tableComparison(
      {
        kind: 'runs',
        table: 'runs',
        owner: 'run_uuid',
        columns: [
          'run_uuid',
          'experiment_id',
          'name',
          'user_id',
          'status',
          'start_time',
          'end_time',
          'lifecycle_stage',
          'deleted_time',
          'artifact_uri',
        ],
        theirs: `select r.*, t.value as name_tag from runs r
          left join tags t on t.run_uuid = r.run_uuid and t.key = 'mlflow.runName' where r.run_uuid in (:owners)`,
        expected(row, renamed) {
          const id = experimentOf(row, renamed)
          const isDeleted = stageOf(row) === 'deleted'
          return {
            ...row,
            experiment_id: id,
            name: row['name'] ?? row['name_tag'],
            status: row['status'] ?? 'FINISHED',
            start_time: row['start_time'] ?? 0,
            lifecycle_stage: stageOf(row),
            deleted_time: isDeleted ? timeOf(row['deleted_time'] ?? row['end_time']) : null,
            artifact_uri: uriHere(row['artifact_uri'], `${id}/${String(row['run_uuid'])}/artifacts`, renamed),
          }
        },
      },
      tableCopies,
    ),
    ...(['params', 'tags'] as const).map((table) =>
      tableComparison(
        { kind: `${table} of runs`, table, owner: 'run_uuid', columns: ['run_uuid', 'key', 'value'] },
        tableCopies,
      ),
    ),
    {
      kind: 'datasets of runs',
      owner: 'run_uuid',
      columns: inputColumns,
      tables: ['inputs', 'datasets'],
      theirs: `select i.destination_id as run_uuid, d.* ${theirInputs} ${ofRuns}`,
      ours: [
        {
          query: `select i.run_id as run_uuid, d.name, d.digest, d.source_type as dataset_source_type, d.source as dataset_source,
            d.schema as dataset_schema, d.profile as dataset_profile
            from run_dataset i join logged_dataset d on d.id = i.dataset_id`,
        },
      ],
    },
    {
      kind: 'tags of datasets of runs',
      owner: 'run_uuid',
      columns: ['run_uuid', 'dataset', 'digest', 'name', 'value'],
      tables: ['inputs', 'datasets', 'input_tags'],
      theirs: `select i.destination_id as run_uuid, d.name as dataset, d.digest, t.name, t.value
        ${theirInputs} join input_tags t on t.input_uuid = i.input_uuid ${ofRuns}`,
      ours: [
        {
          query: `select i.run_id as run_uuid, d.name as dataset, d.digest, i.tags
            from run_dataset i join logged_dataset d on d.id = i.dataset_id`,
          rows: ({ tags, ...row }) =>
            Object.entries(JSON.parse(String(tags)) as Record<string, string>).map(([name, value]) => ({
              ...row,
              name,
              value,
            })),
        },
      ],
    },
    modelLinks(
      'models that runs read',
      'RUN_INPUT',
      'select run_id as run_uuid, model_id, 0 as step from run_model_input',
    ),
    modelLinks(
      'models that runs made',
      'RUN_OUTPUT',
      'select run_id as run_uuid, model_id, step from run_model_output',
    ),
  ],
}

/** A metric is of a dataset when both its name and its digest are known. */
function datasetOf(row: SourceRow) {
  const isKnown = row['dataset_name'] !== null && row['dataset_digest'] !== null
  return isKnown ? {} : { dataset_name: null, dataset_digest: null }
}

export const loggedModels: Owners = {
  noun: 'logged model',
  table: 'logged_models',
  key: 'model_id',
  comparisons: [
    tableComparison(
      {
        kind: 'logged models',
        table: 'logged_models',
        owner: 'model_id',
        columns: [
          'model_id',
          'experiment_id',
          'name',
          'artifact_location',
          'creation_timestamp_ms',
          'last_updated_timestamp_ms',
          'status',
          'lifecycle_stage',
          'model_type',
          'source_run_id',
        ],
        expected(row, renamed) {
          const id = experimentOf(row, renamed)
          const own = `${id}/models/${String(row['model_id'])}/artifacts`
          return {
            ...row,
            experiment_id: id,
            status: Number(row['status']) in modelStates ? row['status'] : 0,
            lifecycle_stage: stageOf(row),
            artifact_location: uriHere(row['artifact_location'], own, renamed),
          }
        },
      },
      tableCopies,
    ),
    ...(['param', 'tag'] as const).map((what) =>
      tableComparison(
        {
          kind: `${what}s of logged models`,
          table: `logged_model_${what}s`,
          owner: 'model_id',
          columns: ['model_id', `${what}_key`, `${what}_value`],
        },
        tableCopies,
      ),
    ),
    tableComparison(
      {
        kind: 'metric points of logged models',
        table: 'logged_model_metrics',
        owner: 'model_id',
        columns: [
          'model_id',
          'metric_name',
          'metric_timestamp_ms',
          'metric_step',
          'metric_value',
          'run_id',
          'dataset_name',
          'dataset_digest',
        ],
        // The others stay behind, with a note.
        theirs: `select * from logged_model_metrics where model_id in (:owners) and run_id in (select run_uuid from runs)`,
        expected: (row) => ({ ...row, ...datasetOf(row) }),
      },
      tableCopies,
    ),
  ],
}
