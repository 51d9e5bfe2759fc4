// MLflow's methods of what a run read and made: datasets, logged models, and the models of clients of long ago.
import type { DatasetInput } from '../../experiments/logged-dataset.ts'
import type { RecordingTables } from '../../experiments/recording.ts'
import { logDatasets, logOutputs } from '../../experiments/run-links.ts'
import { readRunTag, setRunTags } from '../../experiments/run-tags.ts'
import { writableRun } from '../../experiments/writable-run.ts'
import { assertWritesRun } from '../../experiments/write-scope.ts'
import type { Transaction } from '../../platform/database.ts'
import { parsePythonJson, pythonJson, WholeFloat } from '../../tracing/python-json.ts'
import { pythonJson as escapedJson } from '../wire/checks.ts'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import type * as wire from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { assertLength, tagValueLengthMax } from './names.ts'
import type { RunDeps } from './run-methods.ts'

const write = 'run.write' as const

const lengthMax = { name: 500, digest: 36, source: 65_535, schema: 1_048_575, profile: 16_777_215 } as const
const tagLengthMax = { key: 255, value: 500 } as const

export const inputMethods: Methods<RunDeps> = {
  logInputs: {
    permission: write,
    async handle({ db, writer }, { request, actor, caller }) {
      const { run_id: runId = '', datasets = [], models = [] } = request
      if (!/^[a-zA-Z0-9][\p{L}\p{N}_\-]{0,255}$/v.test(runId)) {
        throw invalidParameter(`Invalid value ${escapedJson(runId)} for parameter 'run_id' supplied.`)
      }
      const inputs = datasets.map(readInput)
      const modelIds = models.map(({ model_id: id = '' }) => id)
      await assertWritesRun(db, caller, runId)
      await writer.write(runId, (trx) => logDatasets(trx, actor, { runId, datasets: inputs, modelIds }))
      return {}
    },
  },
  logOutputs: {
    permission: write,
    async handle({ db, writer }, { request, actor, caller }) {
      const { run_id: runId = '', models = [] } = request
      const outputs = models.map(({ model_id: modelId = '', step = 0 }) => ({ modelId, step }))
      await assertWritesRun(db, caller, runId)
      await writer.write(runId, (trx) => logOutputs(trx, actor, { runId, outputs }))
      return {}
    },
  },
  logModel: {
    permission: write,
    async handle({ db, writer, truncatesLongValues }, { request, caller }) {
      const { run_id: runId = '', model_json: json = '' } = request
      const model = readModel(json)
      await assertWritesRun(db, caller, runId)
      await writer.write(runId, (trx) => appendModel(trx, { runId, model, truncatesLongValues }))
      return {}
    },
  },
}

/** @throws MlflowError INVALID_PARAMETER_VALUE, BAD_REQUEST */
function readInput({ dataset = {}, tags: sent = [] }: wire.DatasetInput): DatasetInput {
  const { name = '', digest = '', source = '', source_type: sourceType = '', schema = null, profile = null } = dataset
  const texts = { name, digest, source, schema: schema ?? '', profile: profile ?? '' }
  for (const [what, text] of Object.entries(texts)) {
    assertLength(text, { what, max: lengthMax[what as keyof typeof lengthMax] })
  }
  const pairs = sent.map(({ key = '', value = '' }): [string, string] => [key, value])
  for (const [key, value] of pairs) {
    assertLength(key, { what: 'key', max: tagLengthMax.key })
    assertLength(value, { what: 'value', max: tagLengthMax.value })
  }
  const tags = Object.fromEntries(pairs)
  if (Object.keys(tags).length < pairs.length) {
    throw mlflowError('BAD_REQUEST', `A tag of the dataset "${name}" is given more than once: give each key one value.`)
  }
  return { dataset: { name, digest, sourceType, source, schema, profile }, tags }
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WholeFloat)

const mandatory = ['artifact_path', 'flavors', 'utc_time_created', 'run_id']

/** What the history of a run's models keeps of one. @throws MlflowError INVALID_PARAMETER_VALUE */
function readModel(json: string): Json {
  const model = parsed(json)
  if (!isObject(model)) throw invalidParameter(`Malformed model info. \n ${json} \n is not a valid JSON.`)
  const missing = mandatory.filter((field) => !Object.hasOwn(model, field))
  if (missing.length > 0) {
    const fields = missing.map((field) => `'${field}'`).join(', ')
    throw invalidParameter(`Model json is missing mandatory fields: {${fields}}`)
  }
  const flavors = model['flavors'] ?? {}
  if (!isObject(flavors))
    throw invalidParameter('The flavors of the model are no object: send their names and settings.')
  const kept = Object.entries(flavors).map(([flavor, settings]) => {
    if (!isObject(settings)) return [flavor, settings]
    const { config: _config, ...rest } = settings
    return [flavor, rest]
  })
  return {
    run_id: model['run_id'] ?? undefined,
    artifact_path: model['artifact_path'] ?? undefined,
    utc_time_created: model['utc_time_created'],
    model_uuid: model['model_uuid'] ?? null,
    flavors: Object.fromEntries(kept),
  }
}

function parsed(json: string): unknown {
  try {
    return parsePythonJson(json)
  } catch {
    return undefined
  }
}

const historyTag = 'mlflow.log-model.history'

/** @throws DomainError run_not_found, run_deleted; MlflowError for a history that is too long */
async function appendModel(
  trx: Transaction<RecordingTables>,
  { runId, model, truncatesLongValues }: { runId: string; model: Json; truncatesLongValues: boolean },
): Promise<void> {
  await writableRun(trx, runId)
  const before = parsed((await readRunTag(trx, runId, historyTag)) ?? '[]')
  if (!Array.isArray(before)) {
    throw invalidParameter(`The tag "${historyTag}" of run "${runId}" is no list of models: delete it first.`)
  }
  const value = pythonJson([...(before as unknown[]), model])
  // Cut off, it would be no list: where long values are cut off, this one is kept whole.
  if (!truncatesLongValues) assertLength(value, { what: 'value', max: tagValueLengthMax })
  await setRunTags(trx, runId, { [historyTag]: value })
}
