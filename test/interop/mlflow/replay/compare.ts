// Where two answers first differ.
import { databaseText, type Answer } from './answer.ts'

export interface Difference {
  /** `type refused` (we answer that a value has the wrong type, stock anything else), `status`, `crash` (stock answers 500, we a status below), `type`, `error_code`, `message`, `database text` (a message of stock's database), or the path of a field in the body, such as `run.info.status`. */
  readonly field: string
  readonly stock: unknown
  readonly trueloop: unknown
}

/** What a client looks at first comes first. */
export function firstDifference(stock: Answer, trueloop: Answer): Difference | undefined {
  const found = difference(stock, trueloop)
  return found && isTypeRefused(trueloop) ? { ...found, field: 'type refused' } : found
}

function isTypeRefused({ status, body }: Answer): boolean {
  const message = fieldsOf(body)?.['message']
  const pattern = /^Invalid value .* for parameter '.*' supplied: (?:.* is wanted|not a (?:timestamp|duration))\.$/sv
  return status === 400 && typeof message === 'string' && pattern.test(message)
}

function difference(stock: Answer, trueloop: Answer): Difference | undefined {
  if (stock.status !== trueloop.status)
    return {
      field: isCrash(stock) && trueloop.status < 500 ? 'crash' : 'status',
      stock: [stock.status, stock.body],
      trueloop: [trueloop.status, trueloop.body],
    }
  const [theirs, ours] = [fieldsOf(stock.body), fieldsOf(trueloop.body)]
  for (const field of ['error_code', 'message'])
    if (theirs?.[field] !== ours?.[field] && (typeof theirs?.[field] === 'string' || typeof ours?.[field] === 'string'))
      return {
        field: theirs?.[field] === databaseText ? 'database text' : field,
        stock: theirs?.[field],
        trueloop: ours?.[field],
      }
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
