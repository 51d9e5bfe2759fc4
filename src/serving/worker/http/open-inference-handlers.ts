// The routes of the Open Inference Protocol: `/v2`.
import { assertWanted, writeOpenInference } from '../../protocols/open-inference-answer.ts'
import { extensions, modelMetadata } from '../../protocols/open-inference-metadata.ts'
import { jsonBytesOf, readOpenInference, readRawInference } from '../../protocols/open-inference.ts'
import { rowsOfTensors } from '../../protocols/tensors.ts'
import { isRunnable } from '../endpoint-runtime.ts'
import { endpointOf, exchange, isAnswering, variantOf, type HandlerDeps, type Reader } from '../exchange.ts'
import { json } from './http-answer.ts'
import type { RouteHandlers } from './http-server.ts'
import { openInferenceExtensions } from './open-inference-extensions.ts'

type Routes = 'infer' | 'server_metadata' | 'live' | 'ready' | 'models' | 'model_metadata' | 'model_ready'

export function openInferenceHandlers(
  deps: HandlerDeps,
): Pick<RouteHandlers, Routes | keyof ReturnType<typeof openInferenceExtensions>> {
  const isReady = (): boolean => deps.serving.generation >= 0 && !deps.isLeaving()
  return {
    ...openInferenceExtensions(deps),
    infer: (request) => exchange(deps, request, readInfer),
    server_metadata: ({ reply }) => reply(json({ name: 'trueloop', version: deps.version, extensions })),
    live: ({ reply }) => reply(json({ live: true })),
    ready: ({ reply }) => reply(json({ live: true, ready: isReady() }, isReady() ? 200 : 503)),
    models: ({ reply }) => reply(json({ models: [...deps.serving.endpoints.keys()] })),
    model_metadata({ match, reply }) {
      const endpoint = endpointOf(deps.serving, match.endpoint)
      const variant = variantOf(endpoint, match.version)
      const versions = endpoint.variants.filter(isRunnable).map(({ variant: { version } }) => version)
      reply(json(modelMetadata(endpoint.name, variant.variant.signature, versions)))
    },
    model_ready({ match, reply }) {
      const endpoint = endpointOf(deps.serving, match.endpoint)
      const ready = isReady() && isAnswering(endpoint, match.version)
      reply(json({ name: endpoint.name, ready }, ready ? 200 : 503))
    },
  }
}

const readInfer: Reader = ({ body, headers, signature }) => {
  const header = headers['inference-header-content-length']
  const jsonBytes = jsonBytesOf(body, header)
  const isRaw = jsonBytes === 0 && header !== undefined
  const request = isRaw ? readRawInference(body, signature) : readOpenInference(body, jsonBytes)
  const { inputs, id: callerId, timeoutMs, priority } = request
  assertWanted(signature, request.outputs)
  return {
    ...rowsOfTensors(inputs, signature),
    timeoutMs,
    priority,
    write: (served, rows, facts) =>
      writeOpenInference(served, rows, { facts: { ...facts, callerId }, wanted: request }),
  }
}
