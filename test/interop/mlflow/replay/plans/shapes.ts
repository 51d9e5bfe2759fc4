// Requests of every route of stock's descriptors with something missing or of the wrong type: what the schema says, not what a rule says.
import type { Plan } from '../call.ts'

export interface Field {
  readonly name: string
  readonly kind: 'string' | 'bool' | 'enum' | 'message' | 'bytes' | 'double' | 'int'
  readonly repeated: boolean
}

/** As `methods.py` prints it. */
export interface Method {
  readonly service: string
  readonly name: string
  readonly method: string
  readonly path: string
  readonly fields: readonly Field[]
}

const wrong: Readonly<Record<Field['kind'], readonly unknown[]>> = {
  string: [5, true, {}, ['x'], null],
  bytes: [5],
  bool: ['yes', 1, 'true', {}],
  enum: ['BOGUS', 1, 99, {}, '1'],
  message: ['x', 5, [], null],
  double: ['x', {}, true],
  int: ['x', 1.5, true, {}, '7', -1],
}
const perMethod = 5

export function planShapes(plan: Plan, methods: readonly Method[]): void {
  for (const method of methods) planMethod(plan, method)
}

function planMethod(plan: Plan, { name, method, path, fields }: Method): void {
  const unknown = path
    .replaceAll(/<path:\w+>/gv, 'shapes/none.txt')
    .replaceAll(/\{[\w.]+\}/gv, () => `unknown-${plan.random.integer(1000)}`)
  const target = `/api${unknown}`
  const title = `${name} ${method} ${path}`
  const call = (label: string, body: Readonly<Record<string, unknown>>): void => {
    if (method === 'GET') plan.get(`${title}: ${label}`, target, textOf(body))
    else
      plan.add(method, target, { label: `${title}: ${label}`, body, headers: { 'content-type': 'application/json' } })
  }
  call('nothing', {})
  const options = fields.flatMap((field) => wrong[field.kind].map((value) => [field, value] as const))
  for (const [field, value] of plan.some(options, perMethod)) {
    const sent = field.repeated && plan.random.integer(3) > 0 ? [value] : value
    call(`${field.name} ${JSON.stringify(sent)}`, { [field.name]: sent })
  }
}

/** As query arguments. */
const textOf = (body: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
