// `inference.GRPCInferenceService` besides inference: health, metadata, configuration; and what Triton has and this gateway does not.
import { DomainError } from '../../platform/errors.ts'
import { answerFrame, type AnswerName } from '../protocols/grpc-metadata.ts'
import { readSmall } from '../protocols/grpc-wire.ts'
import { extensions, modelConfig, modelMetadata } from '../protocols/open-inference-metadata.ts'
import { readRepositoryRequest } from '../protocols/grpc-repository.ts'
import { assertNoFiles } from '../protocols/open-inference-repository.ts'
import { isRunnable } from '../worker/endpoint-runtime.ts'
import { endpointOf, isAnswering, variantOf, type HandlerDeps } from '../worker/exchange.ts'
import { repositoryIndex, statisticsOf } from '../worker/http/open-inference-extensions.ts'
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

/** As `simple`, for what all workers must be asked. */
const later = (
  permission: GrpcMethod['permission'],
  answer: AnswerName,
  ask: (message: Uint8Array) => Promise<object>,
): GrpcMethod => ({
  permission,
  one(call, message) {
    ask(message).then(
      (value) => {
        call.begin()
        call.finish(answerFrame(answer, value))
      },
      (error: unknown) => call.fail(error),
    )
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
  const named = ({ 1: name = '', 2: version = '' }: Readonly<Record<number, string>>) => {
    const endpoint = endpointOf(deps.serving, name.slice(0, 200))
    return { endpoint, version: version === '' ? undefined : version.slice(0, 200) }
  }
  const asked = (texts: Readonly<Record<number, string>>) => {
    const { endpoint, version } = named(texts)
    return { endpoint, variant: variantOf(endpoint, version) }
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
      simple('endpoint.read', 'ModelReadyResponse', (texts) => {
        const { endpoint, version } = named(texts)
        return { ready: isReady() && isAnswering(endpoint, version) }
      }),
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
    ...repositoryMethods(deps),
    ...['Status', 'Register', 'Unregister'].flatMap((what) => [
      refused(`SystemSharedMemory${what}`, missing.SystemSharedMemory),
      refused(`CudaSharedMemory${what}`, missing.CudaSharedMemory),
    ]),
    refused('TraceSetting', missing.TraceSetting),
    refused('LogSettings', missing.LogSettings),
  ])
}

const textOrNone = (text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : text.slice(0, 200)

/** Statistics and the model repository: the same answers as over HTTP. */
function repositoryMethods(deps: HandlerDeps): [string, GrpcMethod][] {
  const change = async (message: Uint8Array, isUnloaded: boolean): Promise<object> => {
    const { model, parameters } = readRepositoryRequest(message)
    assertNoFiles(parameters)
    await deps.changeRepository({ endpoint: model.slice(0, 200), isUnloaded })
    return {}
  }
  return [
    [
      path('ModelStatistics'),
      later('endpoint.read', 'ModelStatisticsResponse', async (message) => {
        const { texts } = readSmall('ModelStatisticsRequest', message)
        return { model_stats: await statisticsOf(deps, textOrNone(texts[1]), textOrNone(texts[2])) }
      }),
    ],
    [
      path('RepositoryIndex'),
      later('endpoint.read', 'RepositoryIndexResponse', async (message) => {
        const { flags } = readSmall('RepositoryIndexRequest', message)
        return { models: repositoryIndex(deps, flags[2] ?? false) }
      }),
    ],
    [
      path('RepositoryModelLoad'),
      later('endpoint.write', 'RepositoryModelLoadResponse', (message) => change(message, false)),
    ],
    [
      path('RepositoryModelUnload'),
      later('endpoint.write', 'RepositoryModelUnloadResponse', (message) => change(message, true)),
    ],
  ]
}
