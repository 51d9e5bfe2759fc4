// What the Open Inference Protocol and Triton's extensions tell of a server and its models, besides inference. Pure.
import type { Signature } from '../../models/signature.ts'
import { rowsPerRequestMax } from '../contract/gateway-limits.ts'
import type { Datatype } from './datatypes.ts'
import { shortVersion } from './open-inference.ts'
import { tensorsOfSignature } from './tensors.ts'

/** Names of the extensions that this gateway has, as Triton's documents give them. */
export const extensions: readonly string[] = [
  'binary_tensor_data', 'classification', 'model_configuration', 'model_repository', 'model_repository(unload_dependents)', 'parameters',
  'schedule_policy', 'statistics',
] // prettier-ignore

/** Names, types and shapes; -1 is any number of rows. */
export function modelMetadata(endpoint: string, signature: Signature, versions: readonly string[]): unknown {
  return {
    name: endpoint,
    versions: versions.map(shortVersion),
    platform: 'onnx_onnxv1',
    ...tensorsOfSignature(signature),
  }
}

const configTypes: Readonly<Partial<Record<Datatype, string>>> = { BYTES: 'TYPE_STRING' }
const configType = (datatype: Datatype): string => configTypes[datatype] ?? `TYPE_${datatype}`

/** A tensor of a model's configuration; the dimension of rows goes without saying. */
const configTensor = ({ name, datatype, shape }: { name: string; datatype: Datatype; shape: readonly number[] }) => ({
  name,
  data_type: configType(datatype),
  dims: shape.slice(1),
})

export interface ModelConfig {
  readonly name: string
  readonly platform: string
  readonly backend: string
  /** Rows of a request. */
  readonly max_batch_size: number
  readonly input: readonly ReturnType<typeof configTensor>[]
  readonly output: readonly ReturnType<typeof configTensor>[]
  readonly dynamic_batching: {
    readonly max_queue_delay_microseconds: number
    readonly default_queue_policy: {
      readonly default_timeout_microseconds: number
      readonly allow_timeout_override: boolean
      readonly max_queue_size: number
    }
  }
}

/** Triton's model configuration, as far as it means something here. `max_queue_size` counts rows. */
export function modelConfig(
  { name, queueRowsMax, timeoutMs }: { name: string; queueRowsMax: number; timeoutMs: number | null },
  signature: Signature,
): ModelConfig {
  const { inputs, outputs } = tensorsOfSignature(signature)
  return {
    name,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    max_batch_size: rowsPerRequestMax,
    input: inputs.map(configTensor),
    output: outputs.map(configTensor),
    dynamic_batching: {
      max_queue_delay_microseconds: 0,
      default_queue_policy: {
        default_timeout_microseconds: (timeoutMs ?? 0) * 1000,
        allow_timeout_override: true,
        max_queue_size: queueRowsMax,
      },
    },
  }
}
