// `inference.GRPCInferenceService` besides inference: health, metadata, configuration; and what Triton has and this gateway does not.
import { DomainError } from '../../platform/errors.ts'
import { answerFrame, type AnswerName } from '../protocols/grpc-metadata.ts'
import { readSmall } from '../protocols/grpc-wire.ts'
import { extensions, modelConfig, modelMetadata } from '../protocols/open-inference-metadata.ts'
import { isRunnable } from '../worker/endpoint-runtime.ts'
import { endpointOf, variantOf, type HandlerDeps } from '../worker/exchange.ts'
import type { GrpcCall } from './call.ts'
import { modelInfer, modelStreamInfer } from './infer-methods.ts'
import type { GrpcMethod } from './server.ts'

const path = (method: string): string => `/inference.GRPCInferenceService/${method}`

/** A method that is asked by a small message and answers at once. */
const simple = (
  permission: GrpcMethod['permission'],
  answer: AnswerName,
  ask: (texts: Readonly<Record<number, string>>) => object,
): GrpcMethod => ({
  permission,
  one(call, message) {
    const { texts } = readSmall(answer.replace('Response', 'Request'), message)
    const value = ask(texts)
    call.begin()
    call.finish(answerFrame(answer, value))
  },
})

/** Why a method of Triton's is not here. */
const missing = {
  SystemSharedMemory: 'tensors in shared memory are not read: send their bytes',
  CudaSharedMemory: 'there is no GPU memory here: send the bytes of the tensors',
  TraceSetting: 'traces are set up with the gateway, not by its callers',
  LogSettings: 'the log is set up with the gateway, not by its callers',
}

function refused(method: string, reason: string): [string, GrpcMethod] {
  const one = (call: GrpcCall): void =>
    call.fail(new DomainError('invalid', 'extension_unsupported', `${method} is not supported: ${reason}`))
  return [path(method), { permission: 'endpoint.read', one }]
}

/** All of the service's methods by path. */
export function inferenceMethods(deps: HandlerDeps): ReadonlyMap<string, GrpcMethod> {
  const isReady = (): boolean => deps.serving.generation >= 0 && !deps.isLeaving()
  /** Of the model and version that a request names in its first two fields. */
  const asked = ({ 1: name = '', 2: version = '' }: Readonly<Record<number, string>>) => {
    const endpoint = endpointOf(deps.serving, name.slice(0, 200))
    return { endpoint, variant: variantOf(endpoint, version === '' ? undefined : version.slice(0, 200)) }
  }
  return new Map<string, GrpcMethod>([
    [path('ModelInfer'), modelInfer(deps)],
    [path('ModelStreamInfer'), modelStreamInfer(deps)],
    [path('ServerLive'), simple('public', 'ServerLiveResponse', () => ({ live: true }))],
    [path('ServerReady'), simple('public', 'ServerReadyResponse', () => ({ ready: isReady() }))],
    [
      path('ServerMetadata'),
      simple('endpoint.read', 'ServerMetadataResponse', () => ({
        name: 'trueloop',
        version: deps.version,
        extensions,
      })),
    ],
    [
      path('ModelReady'),
      simple('endpoint.read', 'ModelReadyResponse', (texts) => ({
        ready: isReady() && isRunnable(asked(texts).variant),
      })),
    ],
    [
      path('ModelMetadata'),
      simple('endpoint.read', 'ModelMetadataResponse', (texts) => {
        const { endpoint, variant } = asked(texts)
        const versions = endpoint.variants.filter(isRunnable).map(({ variant: { version } }) => version)
        return modelMetadata(endpoint.name, variant.variant.signature, versions) as object
      }),
    ],
    [
      path('ModelConfig'),
      simple('endpoint.read', 'ModelConfigResponse', (texts) => {
        const { endpoint, variant } = asked(texts)
        const { queueRowsMax, options } = endpoint.config
        const config = modelConfig(
          { name: endpoint.name, queueRowsMax, timeoutMs: options.timeoutMs },
          variant.variant.signature,
        )
        return { config }
      }),
    ],
    ...['Status', 'Register', 'Unregister'].flatMap((what) => [
      refused(`SystemSharedMemory${what}`, missing.SystemSharedMemory),
      refused(`CudaSharedMemory${what}`, missing.CudaSharedMemory),
    ]),
    refused('TraceSetting', missing.TraceSetting),
    refused('LogSettings', missing.LogSettings),
  ])
}
