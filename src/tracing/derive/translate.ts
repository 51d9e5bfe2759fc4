// A span's attributes with what other instrumentations say, under MLflow's keys too: inputs, outputs, type, tokens, model.
import { attributeKeys as keys } from '../keys.ts'
import type { Attributes, Span } from '../span.ts'
import { parsedOrText, pythonJson } from '../python-json.ts'
import { firstPresent, present, type ReadEvent, type Translation } from './convention.ts'
import { conventions } from './conventions.ts'

/** Prefixes of the keys that conventions read. A span without any of them is MLflow's own, and left as it is. */
const foreign =
  /^(?:openinference|input|output|llm|embedding|gen_ai|span|user_prompt|new_context|cache|traceloop|gcp|ai|agent|usage|entity|voltagent|lk|lmnr|langfuse|tool)(?:[._]|$)/v

/** What is there under MLflow's key stays. */
export function translated(span: Span): Attributes {
  if (!isForeign(span)) {
    const model = span.attributes.has(keys.model) ? undefined : modelOf(span.attributes)
    return model === undefined ? span.attributes : new Map([...span.attributes, [keys.model, model]])
  }
  const attributes = new Map(span.attributes)
  addForeign(attributes, span)
  addMissing(attributes, keys.model, () => modelOf(attributes))
  return attributes
}

function isForeign({ attributes, events }: Span): boolean {
  for (const key of attributes.keys()) if (!key.startsWith('mlflow.') && foreign.test(key)) return true
  return events.some(({ name }) => name.startsWith('gen_ai.'))
}

function addMissing(attributes: Map<string, string>, key: string, text: () => string | undefined): void {
  if (attributes.has(key)) return
  const found = text()
  if (found !== undefined) attributes.set(key, found)
}

function addForeign(attributes: Map<string, string>, span: Span): void {
  const type = ask((each) => each.type(attributes))
  const known = attributes.get(keys.type)
  if (type && (known === undefined || known === '"UNKNOWN"' || known === 'null')) {
    attributes.set(keys.type, JSON.stringify(type))
  }
  const events = (): ReadEvent[] =>
    span.events.map(({ name, attributes: text }) => ({ name, attributes: JSON.parse(text) as ReadEvent['attributes'] }))
  addMissing(
    attributes,
    keys.inputs,
    () => ask((each) => each.inputs(attributes)) ?? ask((each) => each.inputsOfEvents(events(), attributes)),
  )
  addMissing(
    attributes,
    keys.outputs,
    () => ask((each) => each.outputs(attributes)) ?? ask((each) => each.outputsOfEvents(events(), attributes)),
  )
  addMissing(attributes, keys.usage, () => usageOf(attributes))
  addMissing(attributes, keys.messageFormat, () => quoted(ask((each) => each.messageFormat(attributes))))
  addMissing(attributes, keys.tools, () => firstOf(({ tools = [] }) => firstPresent(attributes, tools)))
  addMissing(attributes, keys.model, () => firstOf(({ models = [] }) => firstPresent(attributes, models)))
  addMissing(attributes, keys.provider, () =>
    firstOf(({ provider }) => (provider === undefined ? undefined : present(attributes, provider))),
  )
}

const quoted = (text: string | undefined): string | undefined => (text === undefined ? undefined : JSON.stringify(text))

function firstOf<T>(read: (keysOf: (typeof conventions)[number]['keys']) => T | undefined): T | undefined {
  for (const each of conventions) {
    const found = read(each.keys)
    if (found !== undefined) return found
  }
  return undefined
}

function ask<T>(question: (translation: Translation) => T | undefined): T | undefined {
  for (const { translation } of conventions) {
    const found = question(translation)
    if (found !== undefined) return found
  }
  return undefined
}

/** Of the first convention that counts anything. */
function usageOf(attributes: Attributes): string | undefined {
  return ask((translation) => {
    const texts = translation.tokens(attributes)
    const input = integerOf(texts.input)
    const output = integerOf(texts.output)
    const sum = input !== undefined && output !== undefined ? input + output : undefined
    const total = integerOf(texts.total) ?? sum
    if (input === undefined && output === undefined && total === undefined) return undefined
    const counts = {
      input_tokens: input,
      output_tokens: output,
      total_tokens: total,
      cache_read_input_tokens: integerOf(texts.cacheRead),
      cache_creation_input_tokens: integerOf(texts.cacheWrite),
    }
    return pythonJson(Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined)))
  })
}

function integerOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = String(parsedOrText(text)).trim()
  const number = Number(value)
  return /^[+\-]?\d+$/v.test(value) && Number.isSafeInteger(number) ? number : undefined
}

/** Clients of chat models write the model's name into their inputs or outputs. */
function modelOf(attributes: Attributes): string | undefined {
  for (const key of [keys.inputs, keys.outputs]) {
    const text = attributes.get(key)
    // Most have none, and parsing costs more than looking.
    if (!text?.includes('"model"')) continue
    const value = parsedOrText(text)
    const model = typeof value === 'object' && value !== null ? (value as { model?: unknown }).model : undefined
    if (typeof model === 'string' && model !== '') return JSON.stringify(model)
  }
  return undefined
}
