// How one instrumentation names what MLflow has names for: tokens, inputs, outputs, models, kinds of spans.
import type { Attributes } from '../span.ts'
import { isTruthy, parsedOrText } from '../python-json.ts'

export interface Convention {
  /** The attribute with the kind of the span, and the span type that each kind is. */
  readonly kind?: { readonly key: string; readonly types: Readonly<Record<string, string>> }
  readonly inputTokens?: string
  readonly outputTokens?: string
  readonly totalTokens?: string
  readonly cacheReadTokens?: string
  /** The first that is there. */
  readonly cacheWriteTokens?: readonly string[]
  readonly inputs?: readonly (string | RegExp)[]
  readonly outputs?: readonly (string | RegExp)[]
  readonly models?: readonly string[]
  readonly provider?: string
  readonly tools?: readonly string[]
  /** In place of what the fields above say. */
  readonly own?: Partial<Translation>
}

/** An event of a span, its attributes read. */
export interface ReadEvent {
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
}

/** What a convention answers about attributes: JSON texts, or what was read from them; undefined where it has no say. */
export interface Translation {
  readonly type: (attributes: Attributes) => string | undefined
  readonly inputs: (attributes: Attributes) => string | undefined
  readonly outputs: (attributes: Attributes) => string | undefined
  readonly tokens: (attributes: Attributes) => TokenTexts
  readonly messageFormat: (attributes: Attributes) => string | undefined
  readonly inputsOfEvents: (events: readonly ReadEvent[], attributes: Attributes) => string | undefined
  readonly outputsOfEvents: (events: readonly ReadEvent[], attributes: Attributes) => string | undefined
}

export interface TokenTexts {
  readonly input?: string | undefined
  readonly output?: string | undefined
  readonly total?: string | undefined
  readonly cacheRead?: string | undefined
  readonly cacheWrite?: string | undefined
}

/** The text under a key, where what it says is neither null nor empty. */
export function present(attributes: Attributes, key: string): string | undefined {
  const text = attributes.get(key)
  return text !== undefined && isTruthy(parsedOrText(text)) ? text : undefined
}

export const valueOf = (attributes: Attributes, key: string): unknown => {
  const text = attributes.get(key)
  return text === undefined ? undefined : parsedOrText(text)
}

/** The first of the keys with something in it; a pattern stands for all keys that begin as it says. */
export function firstPresent(attributes: Attributes, keys: readonly (string | RegExp)[]): string | undefined {
  for (const key of keys) {
    const candidates = typeof key === 'string' ? [key] : [...attributes.keys()].filter((each) => key.test(each))
    for (const each of candidates) {
      const text = present(attributes, each)
      if (text !== undefined) return text
    }
  }
  return undefined
}

const nothing = (): undefined => undefined

export function translationOf(convention: Convention): Translation {
  const { kind, inputs = [], outputs = [], own = {} } = convention
  const at = (attributes: Attributes, key: string | undefined): string | undefined =>
    key === undefined ? undefined : attributes.get(key)
  return {
    type: (attributes) => {
      const name = kind && valueOf(attributes, kind.key)
      return kind && typeof name === 'string' && Object.hasOwn(kind.types, name) ? kind.types[name] : undefined
    },
    inputs: (attributes) => firstPresent(attributes, inputs),
    outputs: (attributes) => firstPresent(attributes, outputs),
    tokens: (attributes) => ({
      input: at(attributes, convention.inputTokens),
      output: at(attributes, convention.outputTokens),
      total: at(attributes, convention.totalTokens),
      cacheRead: at(attributes, convention.cacheReadTokens),
      cacheWrite: convention.cacheWriteTokens?.map((key) => attributes.get(key)).find((text) => text !== undefined),
    }),
    messageFormat: nothing,
    inputsOfEvents: nothing,
    outputsOfEvents: nothing,
    ...own,
  }
}
