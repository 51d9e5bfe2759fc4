// What TensorFlow Serving's REST protocol tells of a model: the state of its versions, and its inputs and outputs.
import type { Signature } from '../../models/signature.ts'
import type { Datatype } from './datatypes.ts'
import { tensorsOfSignature, type TensorMetadata } from './tensors.ts'
import { signatureNames } from './v1.ts'

export interface V1Version {
  /** As a URL writes it. */
  readonly version: string
  /** Why it does not answer; undefined: it does. */
  readonly problem: string | undefined
}

/** TensorFlow Serving's document and KServe's in one. */
export function modelStatus(endpoint: string, versions: readonly V1Version[], isReady: boolean): unknown {
  return {
    name: endpoint,
    ready: isReady,
    model_version_status: versions.map(({ version, problem }) => ({
      version,
      state: problem === undefined ? 'AVAILABLE' : 'END',
      status: { error_code: problem === undefined ? 'OK' : 'UNAVAILABLE', error_message: problem ?? '' },
    })),
  }
}

const typeNames: Readonly<Record<Datatype, string>> = {
  BOOL: 'DT_BOOL',
  UINT8: 'DT_UINT8',
  UINT16: 'DT_UINT16',
  UINT32: 'DT_UINT32',
  UINT64: 'DT_UINT64',
  INT8: 'DT_INT8',
  INT16: 'DT_INT16',
  INT32: 'DT_INT32',
  INT64: 'DT_INT64',
  FP16: 'DT_HALF',
  BF16: 'DT_BFLOAT16',
  FP32: 'DT_FLOAT',
  FP64: 'DT_DOUBLE',
  BYTES: 'DT_STRING',
}

/** Sizes are texts, as the protocol's JSON writes whole numbers of 64 bits. */
const tensorInfo = ({ name, datatype, shape }: TensorMetadata): unknown => ({
  name,
  dtype: typeNames[datatype],
  tensor_shape: { unknown_rank: false, dim: shape.map((size) => ({ size: String(size), name: '' })) },
})

const byName = (tensors: readonly TensorMetadata[]): Record<string, unknown> =>
  Object.fromEntries(tensors.map((tensor) => [tensor.name, tensorInfo(tensor)]))

/** @param version as a URL writes it */
export function modelSignatures(endpoint: string, version: string, signature: Signature): unknown {
  const { inputs, outputs } = tensorsOfSignature(signature)
  const definitionOf = (name: string): unknown => {
    const named = { predict: 'label', predict_proba: 'probabilities' }[name]
    const told =
      named === undefined || signature.task === 'regression' ? outputs : outputs.filter((each) => each.name === named)
    return { inputs: byName(inputs), outputs: byName(told), method_name: 'tensorflow/serving/predict' }
  }
  const definitions = Object.fromEntries(signatureNames(signature).map((name) => [name, definitionOf(name)]))
  return {
    model_spec: { name: endpoint, signature_name: '', version },
    metadata: { signature_def: { signature_def: definitions } },
  }
}
