// The routes of MLflow's scoring protocol, of each endpoint and at the root.
import { isUtf8 } from 'node:buffer'
import type { RouteMatch } from '../../gateway-routes.ts'
import { parseLenientJson } from '../../protocols/lenient-json.ts'
import { invalidRows } from '../../protocols/json-rows.ts'
import { readCsvInvocation, readInvocation, scoringRelease, writeInvocation } from '../../protocols/mlflow.ts'
import { endpointOf, exchange, isAnswering, type HandlerDeps, type Reader, type ReadRequest } from '../exchange.ts'
import type { Reply } from './http-answer.ts'
import type { RouteHandlers } from './http-server.ts'
import { mediaTypeOf, mediaTypeUnsupported } from './media-type.ts'
import { rootEndpoint } from './root-endpoint.ts'

type Routes = 'invocations' | 'scoring_ping' | 'scoring_version'

export function mlflowHandlers(deps: HandlerDeps): Pick<RouteHandlers, Routes> {
  const { serving, rootEndpoint: named } = deps
  let rootMatch: RouteMatch | undefined
  /** The same object at each request, since it is the same endpoint. */
  const atRoot = (match: RouteMatch): RouteMatch => {
    const { name } = rootEndpoint(serving, named)
    if (rootMatch?.endpoint !== name) rootMatch = { ...match, endpoint: name }
    return rootMatch
  }
  return {
    invocations(request) {
      const { match } = request
      exchange(deps, match.endpoint === '' ? { ...request, match: atRoot(match) } : request, readInvocations)
    },
    scoring_ping: ({ match, reply }) => reply(ping(answers(deps, match))),
    scoring_version({ match, reply }) {
      if (match.endpoint !== '') endpointOf(serving, match.endpoint)
      reply({ status: 200, body: scoringRelease })
    },
  }
}

/** Whether a request would be answered. Where the root is nobody's, whether any would. */
function answers({ serving, rootEndpoint: named, isLeaving }: HandlerDeps, { endpoint: name }: RouteMatch): boolean {
  if (serving.generation < 0 || isLeaving()) return false
  if (name === '' && named === undefined && serving.endpoints.size !== 1) return true
  const endpoint = name === '' ? rootEndpoint(serving, named) : endpointOf(serving, name)
  return isAnswering(endpoint, undefined)
}

/** As MLflow's server writes it. */
const ping = (isThere: boolean): Reply => ({ status: isThere ? 200 : 503, body: '\n' })

const readInvocations: Reader = (request) => {
  const { columns, rows, form } = readTable(request)
  const { predictions } = request.endpoint.config.options
  const wanted = form ?? predictions ?? 'labels'
  return { columns, rows, write: (served, answer) => ({ body: writeInvocation(served, answer, wanted) }) }
}

function readTable({ body, headers, signature }: ReadRequest): ReturnType<typeof readInvocation> {
  const contentType = headers['content-type']
  switch (mediaTypeOf(contentType)) {
    case 'application/json':
      return readInvocation(parseLenientJson(body), signature)
    case 'text/csv': {
      if (!isUtf8(body)) throw invalidRows('Ensure that input is a valid UTF-8 encoded string')
      return { ...readCsvInvocation(body.toString('utf8'), signature), form: undefined }
    }
    case 'application/vnd.apache.parquet':
      throw mediaTypeUnsupported('Parquet is not read here: send application/json or text/csv')
    case undefined:
    default:
      throw mediaTypeUnsupported(
        `This predictor only supports the content types application/json and text/csv. Got ${contentType?.slice(0, 100) ?? 'none'}`,
      )
  }
}
