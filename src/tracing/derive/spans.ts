// What is kept of spans, and what they say about their traces. Pure.
import { attributeKeys as keys, tagKeys } from '../keys.ts'
import { parsedOrText } from '../python-json.ts'
import { contentOf, type Attributes, type Span } from '../span.ts'
import type { SpanRow } from '../tables.ts'
import { assertLength, modelNameMax, nameMax, sessionIdMax, type TraceState } from '../trace.ts'
import { inTurns } from '../turns.ts'
import { previewOf } from './preview.ts'
import { translated } from './translate.ts'
import { costKeys, type CostKey } from './usage.ts'

/** A span as it is kept, but for the numbers of its trace and experiment. */
export interface KeptSpan {
  readonly row: Omit<SpanRow, 'trace_no' | 'experiment_id'>
  readonly content: string
}

/** What a batch of spans says about one trace. */
export interface TraceFindings {
  readonly traceId: string
  readonly spans: readonly KeptSpan[]
  readonly startedAtMs: number
  /** Null while none has ended. */
  readonly endedAtMs: number | null
  /** As the root says; null without a root. */
  readonly state: TraceState | null
  readonly requestPreview: string | null
  readonly responsePreview: string | null
  readonly sessionId: string | null
  readonly user: string | null
  readonly name: string | null
  readonly tags: ReadonlyMap<string, string>
}

/** {@link TraceFindings} before it is known which tags can be kept. */
export interface SentTrace extends Omit<TraceFindings, 'name' | 'tags'> {
  /** Of the resource first, then those that the client set. */
  readonly sentTags: readonly (readonly [key: string, value: string])[]
}

/** Read in one turn of the event loop: some milliseconds. */
const perTurn = { items: 256 }

/** A large batch lets others have their turns. @throws DomainError trace_text_too_long for a session */
export async function sentTracesOf(spans: readonly Span[]): Promise<SentTrace[]> {
  // The last one of a span counts.
  const latest = new Map(spans.map((span) => [`${span.traceId} ${span.spanId}`, span]))
  const read: ReadSpan[] = []
  for await (const chunk of inTurns([...latest.values()], perTurn)) read.push(...chunk.map(readSpan))
  const byTrace = Map.groupBy(read, ({ span }) => span.traceId)
  return Array.from(byTrace, ([traceId, ofTrace]) => sentTraceOf(traceId, ofTrace))
}

/** @throws DomainError trace_text_too_long for a trace's name */
export function findingsOf({ sentTags, ...sent }: SentTrace, tagOf: TagRule): TraceFindings {
  const tags = new Map(
    sentTags.flatMap(([key, value]) => {
      const tag = tagOf(key, value)
      return tag ? [tag] : []
    }),
  )
  const name = tags.get(tagKeys.name) ?? null
  tags.delete(tagKeys.name)
  return { ...sent, name: name === null ? null : assertLength('Trace name', nameMax, name), tags }
}

interface ReadSpan {
  readonly span: Span
  /** With those that other conventions stand for. */
  readonly attributes: Attributes
  readonly kept: KeptSpan
}

function readSpan(span: Span): ReadSpan {
  const attributes = withService(span, translated(span))
  return { span, attributes, kept: keptSpan(span, attributes) }
}

/** Checks a tag and may shorten it; undefined for one that cannot be kept. */
export type TagRule = (key: string, value: string) => [string, string] | undefined

const msOf = (ns: bigint): number => Number(ns / 1_000_000n)

function sentTraceOf(traceId: string, read: readonly ReadSpan[]): SentTrace {
  const spans = read.map(({ span }) => span)
  const translations = read.map(({ attributes }) => attributes)
  const isRoot = (span: Span): boolean => span.parentSpanId === null
  const root = spans.find(isRoot)
  const lastRoot = translations[spans.findLastIndex(isRoot)]
  const ends = spans.flatMap(({ endNs }) => (endNs === null ? [] : [endNs]))
  const sessionId = firstText(translations, ['session.id', 'gen_ai.conversation.id'])
  const inputs = lastRoot?.get(keys.inputs)
  const outputs = lastRoot?.get(keys.outputs)
  return {
    traceId,
    spans: read.map(({ kept }) => kept),
    startedAtMs: msOf(spans.reduce((first, { startNs }) => (startNs < first ? startNs : first), spans[0]!.startNs)),
    endedAtMs: ends.length > 0 ? msOf(ends.reduce((last, end) => (end > last ? end : last))) : null,
    state: root ? (root.status === 'ERROR' ? 'ERROR' : 'OK') : null,
    requestPreview: inputs ? previewOf(inputs, 'user') : null,
    responsePreview: outputs ? previewOf(outputs, 'assistant') : null,
    sessionId: sessionId === null ? null : assertLength('Session ID', sessionIdMax, sessionId),
    user: firstText(translations, ['user.id']),
    sentTags: [...tagsOfResource(spans), ...tagsOfRoot(lastRoot)],
  }
}

/** Programs whose name is shown on their root spans; any other would be text that anybody may send. */
const knownServices = new Set(['claude-code', 'codex_cli_rs', 'codex_vscode', 'gemini-cli', 'qwen-code'])

function withService(span: Span, attributes: Attributes): Attributes {
  const service = span.resource.get('service.name')
  if (span.parentSpanId !== null || service === undefined) return attributes
  return knownServices.has(String(parsedOrText(service)))
    ? new Map([...attributes, ['service.name', service]])
    : attributes
}

function firstText(all: readonly Attributes[], names: readonly string[]): string | null {
  for (const attributes of all) {
    for (const name of names) {
      const text = attributes.get(name)
      if (text === undefined) continue
      const found = textOf(text)
      if (found !== '') return found
    }
  }
  return null
}

const tagPrefix = 'mlflow.traceTag.'

type SentTags = SentTrace['sentTags']

function tagsOfRoot(root: Attributes | undefined): SentTags {
  const own = [...(root ?? [])].filter(([key]) => key.startsWith(tagPrefix))
  return own.map(([key, text]) => [key.slice(tagPrefix.length), textOf(text)])
}

/** A resource cannot set what MLflow keeps its own books in. */
function tagsOfResource(spans: readonly Span[]): SentTags {
  const resource = spans.find((span) => span.resource.size > 0)?.resource ?? []
  const free = [...resource].filter(([key]) => !key.startsWith('telemetry.sdk.') && !key.startsWith('mlflow.'))
  return free.map(([key, text]) => [key, textOf(text)])
}

/** Of a string what it says, of anything else its JSON. */
function textOf(text: string): string {
  const value = parsedOrText(text)
  return typeof value === 'string' ? value : text
}

function keptSpan(span: Span, attributes: Attributes): KeptSpan {
  const cost = costOf(attributes.get(keys.cost))
  const row = {
    span_id: span.spanId,
    parent_span_id: span.parentSpanId,
    name: span.name,
    type: stringAt(attributes, keys.type),
    status: span.status,
    started_at_ns: span.startNs,
    ended_at_ns: span.endNs,
    tokens: objectText(attributes.get(keys.usage)),
    input_cost: cost?.input_cost ?? null,
    output_cost: cost?.output_cost ?? null,
    total_cost: cost?.total_cost ?? null,
    model_name: stringAt(attributes, keys.model),
    model_provider: stringAt(attributes, keys.provider),
  }
  return { row, content: contentOf(span, attributes) }
}

function stringAt(attributes: Attributes, key: string): string | null {
  const text = attributes.get(key)
  const value = text === undefined ? undefined : parsedOrText(text)
  return typeof value === 'string' ? value.slice(0, modelNameMax) : null
}

function objectText(text: string | undefined): string | null {
  const value = text === undefined ? undefined : parsedOrText(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? JSON.stringify(value) : null
}

function costOf(text: string | undefined): Partial<Record<CostKey, number>> | null {
  const value = text === undefined ? undefined : parsedOrText(text)
  if (typeof value !== 'object' || value === null) return null
  const known = costKeys.flatMap((key) => {
    const number = (value as Record<string, unknown>)[key]
    return typeof number === 'number' && Number.isFinite(number) ? [[key, number] as const] : []
  })
  return Object.fromEntries(known)
}
