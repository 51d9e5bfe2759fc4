// Where two answers first differ.
import { databaseText, type Answer } from './answer.ts'

export interface Difference {
  /** `type refused`, `crash` and `database text` are told by what they are; else `status <stock's>, here <ours>`, `error_code`, `message`, `type`, or the path of a field in the body, such as `run.info.status`. */
  readonly field: string
  readonly stock: unknown
  readonly trueloop: unknown
}

/** What a client looks at first comes first. @param isMistyped the call has a value of another type than the contract gives it */
export function firstDifference(stock: Answer, trueloop: Answer, isMistyped: boolean): Difference | undefined {
  const found = difference(stock, trueloop)
  const isRefused = trueloop.status === 400 && fieldsOf(trueloop.body)?.['error_code'] === 'INVALID_PARAMETER_VALUE'
  return found && isMistyped && isRefused ? { ...found, field: 'type refused' } : found
}

function difference(stock: Answer, trueloop: Answer): Difference | undefined {
  const [theirs, ours] = [fieldsOf(stock.body), fieldsOf(trueloop.body)]
  const both = { stock: [stock.status, stock.body], trueloop: [trueloop.status, trueloop.body] }
  const isTold = trueloop.status >= 400 && trueloop.status < 500 && typeof ours?.['error_code'] === 'string'
  if (isTold && isCrash(stock)) return { field: 'crash', ...both }
  if (isTold && theirs?.['message'] === databaseText) return { field: 'database text', ...both }
  if (stock.status !== trueloop.status) return { field: `status ${stock.status}, here ${trueloop.status}`, ...both }
  for (const field of ['error_code', 'message'])
    if (theirs?.[field] !== ours?.[field] && (typeof theirs?.[field] === 'string' || typeof ours?.[field] === 'string'))
      return { field, stock: theirs?.[field], trueloop: ours?.[field] }
  const inBody = differenceIn(withoutClasses(stock.body), withoutClasses(trueloop.body), '')
  if (inBody) return inBody
  if (stock.contentType !== trueloop.contentType)
    return { field: 'type', stock: stock.contentType, trueloop: trueloop.contentType }
  return differenceIn(stock.body, trueloop.body, '')
}

/** Not an answer that stock means: a page of its web framework, or an exception that nobody caught. */
const isCrash = ({ status, body }: Answer): boolean =>
  status === 500 && (typeof body === 'string' || fieldsOf(body)?.['error_code'] === 'INTERNAL_ERROR')

/** What dashboards sort errors by comes last: no client looks at it. */
function withoutClasses(body: unknown): unknown {
  const fields = fieldsOf(body)
  if (fields?.['error_code'] === undefined) return body
  const { sqlstate: _state, error_class: _class, ...rest } = fields
  return rest
}

const fieldsOf = (body: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : undefined

function differenceIn(stock: unknown, trueloop: unknown, path: string): Difference | undefined {
  if (Object.is(stock, trueloop)) return undefined
  const [theirs, ours] = [fieldsOf(stock), fieldsOf(trueloop)]
  if (!theirs || !ours || Array.isArray(theirs) !== Array.isArray(ours))
    return { field: path || 'body', stock, trueloop }
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    const found = differenceIn(theirs[key], ours[key], path === '' ? key : `${path}.${key}`)
    if (found) return found
  }
  return undefined
}
