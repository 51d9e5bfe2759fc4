// The routes of the Open Inference Protocol: `/v2`.
import { assertOutputs, rowsOfTensors } from '../protocols/tensors.ts'
import { modelMetadata, readOpenInference, writeOpenInference } from '../protocols/open-inference.ts'
import { parseJsonBody } from '../json-body.ts'
import { isRunnable } from './endpoint-runtime.ts'
import { endpointOf, exchange, variantOf, type HandlerDeps, type Reader } from './exchange.ts'
import { json } from './http-answer.ts'
import type { RouteHandlers } from './http-server.ts'

type Routes = 'infer' | 'server_metadata' | 'live' | 'ready' | 'models' | 'model_metadata' | 'model_ready'

export function openInferenceHandlers(deps: HandlerDeps): Pick<RouteHandlers, Routes> {
  const isReady = (): boolean => deps.serving.generation >= 0 && !deps.isLeaving()
  return {
    infer: (request) => exchange(deps, request, readInfer),
    server_metadata: ({ reply }) => reply(json({ name: 'trueloop', version: deps.version, extensions: [] })),
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
      const ready = isReady() && isRunnable(variantOf(endpoint, match.version))
      reply(json({ name: endpoint.name, ready }, ready ? 200 : 503))
    },
  }
}

const readInfer: Reader = ({ body, signature }) => {
  const { inputs, id, outputs } = readOpenInference(parseJsonBody(body))
  assertOutputs(signature, outputs)
  return {
    ...rowsOfTensors(inputs, signature),
    write: (served, rows, facts) => ({
      body: writeOpenInference(served, rows, { facts: { ...facts, callerId: id }, outputs }),
    }),
  }
}
