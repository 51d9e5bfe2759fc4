// MLflow's methods of evaluation datasets and their records.
import { readRecords, type EvaluationDataset } from '../../labelling/evaluation-dataset.ts'
import {
  searchEvaluationDatasets,
  type DatasetComparison,
  type DatasetField,
} from '../../labelling/evaluation-dataset-search.ts'
import {
  addDatasetToExperiments,
  createEvaluationDataset,
  deleteEvaluationDataset,
  deleteEvaluationDatasetTag,
  experimentsOfDataset,
  getEvaluationDataset,
  removeDatasetFromExperiments,
  setEvaluationDatasetTags,
  type LabellingWriteTables,
} from '../../labelling/evaluation-datasets.ts'
import {
  deleteEvaluationRecords,
  putEvaluationRecords,
  readEvaluationRecords,
} from '../../labelling/evaluation-records.ts'
import { mapCondition } from '../../platform/condition.ts'
import { transact, type Connection } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { isExactObject, JsonNumber, parseExact, printExact, type ExactJson } from '../../platform/exact-json.ts'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import { parseFilter, parseOrderBy, type Comparison } from '../filter/parse.ts'
import type * as wire from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { limitOf, listed, offsetOf, tokenOf } from './offset-pages.ts'
import { placeOfToken, recordJson, tokenOfPlace } from './dataset-records.ts'

export interface DatasetDeps {
  readonly db: Connection<LabellingWriteTables>
}

const read = 'run.read' as const
const write = 'run.write' as const
const searchDefault = 1000
const recordsDefault = 1000

const datasetOf = (dataset: EvaluationDataset): wire.EvaluationDataset => ({
  dataset_id: dataset.id,
  name: dataset.name,
  tags: printExact(dataset.tags),
  schema: dataset.schema ?? undefined,
  profile: dataset.profile ?? undefined,
  digest: dataset.digest,
  created_time: dataset.createdAtMs,
  last_update_time: dataset.updatedAtMs,
  created_by: dataset.createdBy ?? undefined,
  last_updated_by: dataset.updatedBy ?? undefined,
})

/** The values of an object as texts, as Python's `str` makes them; those that are null are left out. @throws MlflowError */
function tagsOf(json: string): Record<string, string> {
  const tags = parseExact(json)
  if (!isExactObject(tags)) throw invalidParameter("Invalid value for parameter 'tags': a JSON object is expected")
  const entries = Object.entries(tags).filter(([, value]) => value !== null)
  return Object.fromEntries(entries.map(([key, value]) => [key, pythonText(value)]))
}

function pythonText(value: ExactJson): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return value instanceof JsonNumber ? value.text : printExact(value)
}

/** Methods name what is not there in words of their own. */
async function toldAs<T>(message: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    if (error.code === 'evaluation_dataset_not_found') throw mlflowError('RESOURCE_DOES_NOT_EXIST', message)
    if (error.code !== 'experiment_not_found') throw error
    throw mlflowError('RESOURCE_DOES_NOT_EXIST', `No Experiment with id=${String(error.detail?.['experiment'])}`)
  }
}

export const datasetMethods: Methods<DatasetDeps> = {
  createDataset: {
    permission: write,
    async handle({ db }, { request, actor }) {
      const { name = '', tags, experiment_ids: experimentIds = [] } = request
      const made = { name, tags: tags ? tagsOf(tags) : {}, experimentIds: experimentIds.map(experimentIdOf) }
      const dataset = await transact(db, (trx) => createEvaluationDataset(trx, actor, made))
      return { dataset: { ...datasetOf(dataset), ...listed('experiment_ids', experimentIds) } }
    },
  },
  getDataset: {
    permission: read,
    handle: async ({ db }, { request }) => ({
      dataset: datasetOf(await getEvaluationDataset(db, request.dataset_id ?? '')),
    }),
  },
  deleteDataset: {
    permission: write,
    async handle({ db }, { request, actor }) {
      await transact(db, (trx) => deleteEvaluationDataset(trx, actor, request.dataset_id ?? ''))
      return {}
    },
  },
  searchEvaluationDatasets: { permission: read, handle: search },
  setDatasetTags: {
    permission: write,
    async handle({ db }, { request }) {
      const { dataset_id: id = '', tags = '' } = request
      const sent = tagsOf(tags)
      const set = transact(db, (trx) => setEvaluationDatasetTags(trx, id, sent))
      await toldAs(`Could not find evaluation dataset with ID ${id}`, set)
      return {}
    },
  },
  deleteDatasetTag: {
    permission: write,
    async handle({ db }, { request }) {
      const { dataset_id: id = '', key = '' } = request
      await transact(db, (trx) => deleteEvaluationDatasetTag(trx, id, key))
      return {}
    },
  },
  getDatasetExperimentIds: {
    permission: read,
    handle: async ({ db }, { request }) =>
      listed('experiment_ids', (await experimentsOfDataset(db, request.dataset_id ?? '')).map(String)),
  },
  addDatasetToExperiments: {
    permission: write,
    async handle({ db }, { request, actor }) {
      const { dataset_id: id = '', experiment_ids: ids = [] } = request
      const added = transact(db, async (trx) => {
        await getEvaluationDataset(trx, id) // A dataset that is not there is told before an experiment that is none.
        return addDatasetToExperiments(trx, actor, { id, experimentIds: ids.map(experimentIdOf) })
      })
      return { dataset: datasetOf(await toldAs(`Dataset '${id}' not found`, added)) }
    },
  },
  removeDatasetFromExperiments: {
    permission: write,
    async handle({ db }, { request, actor }) {
      const { dataset_id: id = '', experiment_ids: ids = [] } = request
      const links = { id, experimentIds: ids.flatMap(linkedId) }
      const removed = transact(db, (trx) => removeDatasetFromExperiments(trx, actor, links))
      return { dataset: datasetOf(await toldAs(`Dataset '${id}' not found`, removed)) }
    },
  },
  upsertDatasetRecords: {
    permission: write,
    async handle({ db }, { request, actor }) {
      const { dataset_id: datasetId = '', records = '' } = request
      const sent = { datasetId, records: readRecords(parseExact(records)) }
      const { inserted, updated } = await transact(db, (trx) => putEvaluationRecords(trx, actor, sent))
      return { inserted_count: inserted, updated_count: updated }
    },
  },
  getDatasetRecords: {
    permission: read,
    async handle({ db }, { request }) {
      const { dataset_id: datasetId = '', page_token: token } = request
      const page = {
        datasetId,
        after: placeOfToken(token),
        limit: limitOf(request.max_results || undefined, recordsDefault),
      }
      const { records, next } = await readEvaluationRecords(db, page)
      const found = { records: `[${records.map(recordJson).join(', ')}]` }
      return next === undefined ? found : { ...found, next_page_token: tokenOfPlace(next) }
    },
  },
  deleteDatasetRecords: {
    permission: write,
    async handle({ db }, { request }) {
      const { dataset_id: datasetId = '', dataset_record_ids: ids = [] } = request
      return { deleted_count: await transact(db, (trx) => deleteEvaluationRecords(trx, { datasetId, ids })) }
    },
  },
}

/** MLflow compares the texts of links: one that is no id is linked to nothing, and no error. */
const linkedId = (text: string): number[] => (/^\d{1,15}$/v.test(text) ? [Number(text)] : [])

async function search(
  { db }: DatasetDeps,
  { request }: { request: wire.SearchEvaluationDatasets },
): Promise<wire.SearchEvaluationDatasetsResponse> {
  const { experiment_ids: ids = [], filter_string: filter, page_token: token } = request
  const offset = offsetOf(token)
  const limit = limitOf(request.max_results || undefined, searchDefault)
  const { datasets, hasMore } = await searchEvaluationDatasets(db, {
    experimentIds: ids.length > 0 ? ids.flatMap(linkedId) : undefined,
    condition: filter ? mapCondition(parseFilter('evaluationDatasets', filter), comparisonOf) : undefined,
    orderBy: parseOrderBy('evaluationDatasets', request.order_by).map(({ key, isAscending }) => ({
      field: fieldOf(key),
      isAscending,
    })),
    limit,
    offset,
  })
  const found = listed('datasets', datasets.map(datasetOf))
  return hasMore ? { ...found, next_page_token: tokenOf(offset + limit) } : found
}

const fields: Readonly<Record<string, DatasetField | undefined>> = {
  name: 'name',
  created_time: 'createdAtMs',
  last_update_time: 'updatedAtMs',
  created_by: 'createdBy',
  last_updated_by: 'updatedBy',
}

function fieldOf(key: string): DatasetField {
  const field = fields[key]
  if (field) return field
  throw invalidParameter(`Invalid attribute key '${key}' of an evaluation dataset`)
}

const comparisonOf = ({ entity, key, operator, value }: Comparison): DatasetComparison => ({
  entity: entity === 'tag' ? 'tag' : 'attribute',
  key: entity === 'tag' ? key : fieldOf(key),
  operator: operator as DatasetComparison['operator'],
  value: value ?? '',
})
