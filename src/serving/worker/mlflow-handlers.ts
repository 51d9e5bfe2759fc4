// The routes of MLflow's scoring protocol.
import { DomainError } from '../../platform/errors.ts'
import { parseJsonBody } from '../json-body.ts'
import { readInvocation, writeInvocation } from '../protocols/mlflow.ts'
import { exchange, type HandlerDeps, type Reader } from './exchange.ts'
import type { RouteHandlers } from './http-server.ts'

export function mlflowHandlers(deps: HandlerDeps): Pick<RouteHandlers, 'invocations'> {
  return { invocations: (request) => exchange(deps, request, readInvocations) }
}

const readInvocations: Reader = ({ body, headers, signature }) => {
  assertJson(headers['content-type'])
  const { columns, rows, wantsProbabilities } = readInvocation(parseJsonBody(body), signature)
  return { columns, rows, write: (served, answer) => ({ body: writeInvocation(served, answer, wantsProbabilities) }) }
}

/** MLflow's rule: this type, no parameter but the charset. */
function assertJson(contentType: string | undefined): void {
  if (contentType !== undefined && /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-?8"?)?\s*$/iv.test(contentType))
    return
  const message = `this route takes application/json, not ${contentType?.slice(0, 100) ?? 'a body without a content type'}`
  throw new DomainError('invalid', 'media_type_unsupported', message)
}
