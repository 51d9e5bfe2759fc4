// What a pipeline is: named steps and what each takes from which. Pure: no I/O, so web/ and client/ import it too.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

const stepsMax = 500
const depthMax = 64
const timeoutMsDefault = 6 * 3_600_000
const timeoutMsMax = 14 * 24 * 3_600_000
export const retriesMax = 20

const name = z.string().regex(/^[a-z]\w{0,63}$/iv, 'a letter, then at most 63 letters, digits or _')

/** JSON of at most 64 levels; checked without recursion, so that no input overflows the stack. */
const boundedJson = z.custom<Json>((value) => {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return false
    const next: unknown[] = []
    for (const item of level) {
      if (item === null || typeof item === 'string' || typeof item === 'boolean' || Number.isFinite(item)) continue
      if (typeof item !== 'object') return false
      for (const child of Object.values(item as object)) next.push(child)
    }
    level = next
  }
  return true
}, `JSON of at most ${depthMax} levels`)

export const StepSpec = z.strictObject({
  name,
  /** Of a registered kind, such as `training.train`. */
  kind: z.string().min(1).max(128),
  /** In which `{"$from": "<step>", "path": "a.b"}` stands for (a part of) that step's output. */
  input: boundedJson.default({}),
  /** Steps to wait for beside those that `input` refers to. */
  needs: z.array(name).max(stepsMax).default([]),
  /** Attempts after a first that failed. */
  retries: z.int().min(0).max(retriesMax).default(2),
  /** Of one attempt; 6 hours by default. */
  timeoutMs: z.int().min(1).max(timeoutMsMax).default(timeoutMsDefault),
  /** `use` takes an earlier output of the same input, `refresh` makes and keeps a new one, `off` does neither. */
  cache: z.enum(['use', 'off', 'refresh']).default('use'),
})
export type StepSpec = Readonly<z.infer<typeof StepSpec>>

export const PipelineSpec = z.strictObject({
  name: z.string().regex(/^[a-z][\w.\-]{0,127}$/iv),
  steps: z.array(StepSpec).min(1).max(stepsMax),
})
export type PipelineSpec = Readonly<z.infer<typeof PipelineSpec>>
/** As one writes it: what has a default may be absent. */
export type PipelineSpecInput = z.input<typeof PipelineSpec>

export interface Reference {
  readonly step: string
  /** Dot-separated keys and array positions; empty: the whole output. */
  readonly path: string
}

const pipelineInvalid = (pipeline: string, why: string): DomainError =>
  new DomainError('invalid', 'pipeline_invalid', `pipeline "${pipeline}": ${why}`)

/** Names of the steps that a step waits for, each once. */
export function needsOf(step: StepSpec): string[] {
  return [...new Set([...step.needs, ...referencesIn(step.input).map((reference) => reference.step)])]
}

/**
 * Checks what the schema cannot: names once, references and needs that exist, no cycle.
 * @throws DomainError pipeline_invalid
 */
export function checkPipeline(spec: PipelineSpec): void {
  const steps = new Map(spec.steps.map((step) => [step.name, step]))
  if (steps.size < spec.steps.length) {
    const twice = spec.steps.find((step, i) => spec.steps.findIndex((other) => other.name === step.name) < i)
    throw pipelineInvalid(spec.name, `two steps are named "${twice?.name}": give each its own name`)
  }
  for (const step of spec.steps) {
    const unknown = needsOf(step).find((need) => !steps.has(need))
    if (unknown !== undefined) {
      const known = [...steps.keys()].join(', ')
      throw pipelineInvalid(spec.name, `step "${step.name}" needs "${unknown}", which is no step of it (${known})`)
    }
  }
  const cycle = findCycle(steps)
  if (cycle) throw pipelineInvalid(spec.name, `steps wait for each other in a circle: ${cycle.join(' -> ')}`)
}

function findCycle(steps: ReadonlyMap<string, StepSpec>): string[] | undefined {
  const waiting = new Map([...steps].map(([key, step]) => [key, needsOf(step)]))
  for (let removed = true; removed;) {
    removed = false
    for (const [key, needs] of waiting) {
      if (needs.some((need) => waiting.has(need))) continue
      waiting.delete(key)
      removed = true
    }
  }
  // What is left waits for something that is left: following it must come round.
  const path: string[] = []
  let at = waiting.keys().next().value
  while (at !== undefined && !path.includes(at)) {
    path.push(at)
    at = waiting.get(at)?.find((need) => waiting.has(need))
  }
  return at === undefined ? undefined : [...path.slice(path.indexOf(at)), at]
}

/** @throws DomainError reference_invalid for an object with `$from` that is not exactly a reference. */
export function referencesIn(input: Json): Reference[] {
  const reference = referenceOf(input)
  if (reference) return [reference]
  if (typeof input !== 'object' || input === null) return []
  return Object.values(input).flatMap((value) => referencesIn(value as Json))
}

/**
 * The input with every reference replaced.
 * @throws DomainError reference_invalid, reference_missing (the output has nothing at that path).
 */
export function resolveInput(input: Json, outputs: ReadonlyMap<string, Json>): Json {
  const reference = referenceOf(input)
  if (reference) return valueAt(reference, outputs.get(reference.step))
  if (typeof input !== 'object' || input === null) return input
  if (isArray(input)) return input.map((value) => resolveInput(value, outputs))
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, resolveInput(value, outputs)]))
}

const isArray = (value: Json): value is readonly Json[] => Array.isArray(value)

const Reference = z.strictObject({ $from: name, path: z.string().max(1024).optional() })

function referenceOf(value: Json): Reference | undefined {
  if (typeof value !== 'object' || value === null || isArray(value) || !Object.hasOwn(value, '$from')) return undefined
  const parsed = Reference.safeParse(value)
  if (parsed.success) return { step: parsed.data.$from, path: parsed.data.path ?? '' }
  throw new DomainError(
    'invalid',
    'reference_invalid',
    `${JSON.stringify(value).slice(0, 200)} is no reference: write {"$from": "<step>"} or {"$from": "<step>", "path": "a.b"}`,
  )
}

function valueAt({ step, path }: Reference, output: Json | undefined): Json {
  let value: Json | undefined = output
  for (const key of path === '' ? [] : path.split('.')) {
    const holder: Json | undefined = value
    const has = typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key)
    value = has ? (holder as Readonly<Record<string, Json>>)[key] : undefined
  }
  if (value !== undefined) return value
  const keys = typeof output === 'object' && output !== null ? Object.keys(output).slice(0, 20).join(', ') : 'no object'
  throw new DomainError(
    'invalid',
    'reference_missing',
    `the output of step "${step}" has nothing at "${path}": it has ${keys}`,
  )
}
