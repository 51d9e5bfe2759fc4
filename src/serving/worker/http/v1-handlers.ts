// The routes of TensorFlow Serving's REST protocol, which KServe calls V1.
import { DomainError } from '../../../platform/errors.ts'
import { parseLenientJson } from '../../protocols/lenient-json.ts'
import { shortVersion } from '../../protocols/open-inference.ts'
import { modelSignatures, modelStatus, type V1Version } from '../../protocols/v1-metadata.ts'
import { readV1, writeV1 } from '../../protocols/v1.ts'
import { problemOf } from '../endpoint-runtime.ts'
import { endpointOf, exchange, isAnswering, variantOf, type HandlerDeps, type Reader } from '../exchange.ts'
import { json } from './http-answer.ts'
import type { RouteHandlers } from './http-server.ts'

type Routes = 'alive' | 'v1_predict' | 'v1_unsupported' | 'v1_models' | 'v1_status' | 'v1_metadata'

export function v1Handlers(deps: HandlerDeps): Pick<RouteHandlers, Routes> {
  const { serving } = deps
  return {
    alive: ({ reply }) => reply(json({ status: 'alive' })),
    v1_predict: (request) => exchange(deps, request, readPredict),
    v1_unsupported: ({ reply }) => reply(unsupported),
    v1_models: ({ reply }) => reply(json({ models: [...serving.endpoints.keys()] })),
    v1_status({ match, reply }) {
      const endpoint = endpointOf(serving, match.endpoint)
      const variants = match.version === undefined ? endpoint.variants : [variantOf(endpoint, match.version)]
      const isReady = !deps.isLeaving() && isAnswering(endpoint, match.version)
      const versions = variants.map((runtime): V1Version => {
        return { version: shortVersion(runtime.variant.version), problem: problemOf(endpoint, runtime) }
      })
      reply(json(modelStatus(endpoint.name, versions, isReady)))
    },
    v1_metadata({ match, reply }) {
      const endpoint = endpointOf(serving, match.endpoint)
      const { variant } = variantOf(endpoint, match.version)
      reply(json(modelSignatures(endpoint.name, shortVersion(variant.version), variant.signature)))
    },
  }
}

/** Made once: it says the same to everybody. */
const unsupported = new DomainError(
  'invalid',
  'extension_unsupported',
  'of the actions on a model only :predict is served: TensorFlow examples (:classify, :regress) and explanations (:explain) are not; ask :predict with the signature "predict_proba" for class probabilities',
)

const readPredict: Reader = ({ body, signature, endpoint }) => {
  const { columns, rows, layout, form } = readV1(parseLenientJson(body), signature)
  const wanted = form ?? endpoint.config.options.predictions ?? 'records'
  return {
    columns,
    rows,
    write: (served, answer) => ({ body: writeV1(answer, served, { layout, form: wanted }) }),
  }
}
