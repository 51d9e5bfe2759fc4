// The plan: how the loop that runs differs from the one that a file describes, thing by thing and field by field. Pure.
import { z } from 'zod'
import type { Code } from '../experiments/run.ts'
import type { LoopSpec } from './spec.ts'

export const FieldChange = z.strictObject({
  /** Within the thing, such as `trainer.learningRate`. */
  field: z.string(),
  /** JSON; absent where there was or will be none. */
  before: z.unknown().optional(),
  after: z.unknown().optional(),
})
export type FieldChange = Readonly<z.infer<typeof FieldChange>>

export const Change = z.strictObject({
  action: z.enum(['create', 'update', 'delete', 'none']),
  /** `kind.name`, such as `endpoint.flights` or `monitor.calibration`. */
  address: z.string(),
  fields: z.array(FieldChange),
})
export type Change = Readonly<z.infer<typeof Change>>

export const Plan = z.strictObject({
  loop: z.string(),
  /** The applied version that it was compared with; 0: nothing is applied. */
  fromVersion: z.int().nonnegative(),
  changes: z.array(Change),
})
export type Plan = Readonly<z.infer<typeof Plan>>

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Fields = ReadonlyMap<string, Json>

/** Fields that decide what a model learns: when they change, what serves was trained for another purpose. */
const learned = /^(?:dataset\.[^:]*:(?:timeColumn|schema)|target\.|features\.|training\.[^:]*:(?:trainer|seed))/v

/** What a loop file describes, and the code that it came with; null: none is known. */
export interface Definition {
  readonly spec: LoopSpec
  readonly code: Code | null
}

/** Compares what a file describes with what is applied (undefined: nothing). Things in the order of the life cycle. */
export function planLoop(desired: Definition, applied: (Definition & { version: number }) | undefined): Plan {
  const before = applied ? thingsOf(applied) : new Map<string, Fields>()
  const after = thingsOf(desired)
  const addresses = [...after.keys(), ...[...before.keys()].filter((address) => !after.has(address))]
  const changes = addresses.map((address) => changeOf(address, before.get(address), after.get(address)))
  return { loop: desired.spec.name, fromVersion: applied?.version ?? 0, changes }
}

/** Whether applying it would change nothing. */
export const isEmptyPlan = (plan: Plan): boolean => plan.changes.every(({ action }) => action === 'none')

/** The changed fields for which a model must be trained anew, such as `training.flights trainer.learningRate`. */
export function retrainReasons(plan: Plan): string[] {
  if (plan.fromVersion === 0) return []
  return plan.changes.flatMap(({ address, fields }) =>
    fields.filter(({ field }) => learned.test(`${address}:${field}`)).map(({ field }) => `${address} ${field}`),
  )
}

/** Whether the code of the project differs from what was applied with it before. */
export const hasOtherCode = (plan: Plan): boolean =>
  plan.changes.some(({ action, address }) => action === 'update' && address === `code.${plan.loop}`)

/** A loop as the things it makes, in the order of the life cycle. */
function thingsOf({ spec, code }: Definition): Map<string, Fields> {
  const { name, dataset, target, features, training, gate, endpoint, monitors, rollout, retrain } = spec
  const { name: datasetName, ...datasetFields } = dataset
  const { name: endpointName, ...endpointFields } = endpoint
  const things: [string, unknown][] = [
    [`loop.${name}`, { clock: spec.clock, labelDelay: spec.labelDelay }],
    [`dataset.${datasetName}`, datasetFields],
    [`target.${name}`, target],
    [`features.${name}`, { columns: features }],
    ...(code ? [[`code.${name}`, code] satisfies [string, unknown]] : []),
    [`training.${name}`, training],
    [`gate.${name}`, gate],
    [`endpoint.${endpointName}`, endpointFields],
    ...monitors.map(({ name: monitor, ...fields }): [string, unknown] => [`monitor.${monitor}`, fields]),
    [`rollout.${name}`, rollout],
    [`retrain.${name}`, retrain],
  ]
  return new Map(things.map(([address, fields]) => [address, flatten(JSON.parse(JSON.stringify(fields)) as Json)]))
}

/** Nested fields under dotted names; a list of plain values is one field, and null is no field. */
function flatten(value: Json, path = ''): Map<string, Json> {
  if (value === null) return new Map()
  const isScalarList = Array.isArray(value) && value.every((item) => typeof item !== 'object' || item === null)
  if (typeof value !== 'object' || isScalarList) return new Map([[path, value]])
  const fields = Object.entries(value) as [string, Json][]
  return new Map(fields.flatMap(([key, item]) => [...flatten(item, path ? `${path}.${key}` : key)]))
}

function changeOf(address: string, before: Fields | undefined, after: Fields | undefined): Change {
  const names = [...new Set([...(after?.keys() ?? []), ...(before?.keys() ?? [])])]
  const fields = names
    .map((field) => fieldChange(field, before?.get(field), after?.get(field)))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after))
  if (!before) return { action: 'create', address, fields }
  if (!after) return { action: 'delete', address, fields }
  return { action: fields.length === 0 ? 'none' : 'update', address, fields }
}

const fieldChange = (field: string, before: Json | undefined, after: Json | undefined): FieldChange => ({
  field,
  ...(before === undefined ? {} : { before }),
  ...(after === undefined ? {} : { after }),
})
