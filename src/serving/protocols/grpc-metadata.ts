// Messages of `inference.GRPCInferenceService` besides inference: objects as REST tells them in JSON, written by their fields' numbers. Pure.
import type { BinaryWriter } from '@bufbuild/protobuf/wire'
import { frameOf, writeCount, writeFlag, writeNested, writeSizes, writeText } from './grpc-wire.ts'

type Kind = 'text' | 'flag' | 'count' | 'sizes' | 'datatype' | Fields
/** Of a message: its number and what it holds, by the name that it has in JSON. A list is the field repeated. */
interface Fields {
  readonly [name: string]: readonly [field: number, kind: Kind]
}

const metadataTensor: Fields = { name: [1, 'text'], datatype: [2, 'text'], shape: [3, 'sizes'] }
const configInput: Fields = { name: [1, 'text'], data_type: [2, 'datatype'], dims: [4, 'sizes'] }
const configOutput: Fields = { name: [1, 'text'], data_type: [2, 'datatype'], dims: [3, 'sizes'] }
const queuePolicy: Fields = {
  default_timeout_microseconds: [2, 'count'],
  allow_timeout_override: [3, 'flag'],
  max_queue_size: [4, 'count'],
}
const batching: Fields = {
  preferred_batch_size: [1, 'sizes'],
  max_queue_delay_microseconds: [2, 'count'],
  priority_levels: [4, 'count'],
  default_priority_level: [5, 'count'],
  default_queue_policy: [6, queuePolicy],
}
const config: Fields = {
  name: [1, 'text'],
  platform: [2, 'text'],
  max_batch_size: [4, 'count'],
  input: [5, configInput],
  output: [6, configOutput],
  dynamic_batching: [11, batching],
  backend: [17, 'text'],
}
const duration: Fields = { count: [1, 'count'], ns: [2, 'count'] }
const inferenceStatistics: Fields = {
  success: [1, duration],
  fail: [2, duration],
  queue: [3, duration],
  compute_input: [4, duration],
  compute_infer: [5, duration],
  compute_output: [6, duration],
  cache_hit: [7, duration],
  cache_miss: [8, duration],
}
const batchStatistics: Fields = {
  batch_size: [1, 'count'],
  compute_input: [2, duration],
  compute_infer: [3, duration],
  compute_output: [4, duration],
}
const modelStatistics: Fields = {
  name: [1, 'text'],
  version: [2, 'text'],
  last_inference: [3, 'count'],
  inference_count: [4, 'count'],
  execution_count: [5, 'count'],
  inference_stats: [6, inferenceStatistics],
  batch_stats: [7, batchStatistics],
}
const indexedModel: Fields = { name: [1, 'text'], version: [2, 'text'], state: [3, 'text'], reason: [4, 'text'] }

/** The answers by name of their message. */
const answers = {
  ServerLiveResponse: { live: [1, 'flag'] },
  ServerReadyResponse: { ready: [1, 'flag'] },
  ModelReadyResponse: { ready: [1, 'flag'] },
  ServerMetadataResponse: { name: [1, 'text'], version: [2, 'text'], extensions: [3, 'text'] },
  ModelMetadataResponse: {
    name: [1, 'text'],
    versions: [2, 'text'],
    platform: [3, 'text'],
    inputs: [4, metadataTensor],
    outputs: [5, metadataTensor],
  },
  ModelConfigResponse: { config: [1, config] },
  ModelStatisticsResponse: { model_stats: [1, modelStatistics] },
  RepositoryIndexResponse: { models: [1, indexedModel] },
  RepositoryModelLoadResponse: {},
  RepositoryModelUnloadResponse: {},
} as const satisfies Record<string, Fields>
export type AnswerName = keyof typeof answers

/** Triton's enumeration of data types, in order from 0. */
const configDatatypes = [
  'TYPE_INVALID', 'TYPE_BOOL', 'TYPE_UINT8', 'TYPE_UINT16', 'TYPE_UINT32', 'TYPE_UINT64', 'TYPE_INT8', 'TYPE_INT16', 'TYPE_INT32',
  'TYPE_INT64', 'TYPE_FP16', 'TYPE_FP32', 'TYPE_FP64', 'TYPE_STRING', 'TYPE_BF16',
] // prettier-ignore

/** The answer as a message; what the table does not name is left out, as what is undefined. */
export const answerFrame = (name: AnswerName, value: object): Uint8Array =>
  frameOf((writer) => writeFields(writer, answers[name], value))

function writeFields(writer: BinaryWriter, fields: Fields, value: object): void {
  for (const [name, [field, kind]] of Object.entries(fields)) {
    const found: unknown = (value as Record<string, unknown>)[name]
    if (kind === 'sizes') writeSizes(writer, field, (found as readonly number[] | undefined) ?? [])
    else if (Array.isArray(found)) for (const item of found) writeField(writer, [field, kind], item)
    else if (found !== undefined && found !== null) writeField(writer, [field, kind], found)
  }
}

function writeField(writer: BinaryWriter, [field, kind]: readonly [number, Kind], value: unknown): void {
  if (kind === 'text') writeText(writer, field, String(value))
  else if (kind === 'flag') writeFlag(writer, field, Boolean(value))
  else if (kind === 'count') writeCount(writer, field, Number(value))
  else if (kind === 'datatype') writeCount(writer, field, configDatatypes.indexOf(String(value)))
  else writeNested(writer, field, () => writeFields(writer, kind as Fields, value as object))
}
