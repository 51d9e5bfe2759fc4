// Spans in a file of a trace's artifacts: where clients before 3.4 write them, or clients whose spans a server would not take.
import { artifactRepository } from '../../artifacts/artifact-repository.ts'
import { DomainError } from '../../platform/errors.ts'
import { tagKeys } from '../../tracing/keys.ts'
import type { Trace } from '../../tracing/trace.ts'
import { mlflowError } from '../wire/errors.ts'
import type { Span } from '../generated/messages.ts'
import { parseJson } from '../wire/json.ts'
import type { TraceDeps } from './deps.ts'
import { wireOfSpan } from './span-wire.ts'

export const spansFile = 'traces.json'
const fileBytesMax = 256 * 1024 * 1024

/** Undefined when there is no such file. @throws MlflowError INTERNAL_ERROR for one that holds no spans */
export async function readSpansFile(deps: TraceDeps, trace: Trace): Promise<Span[] | undefined> {
  const uri = trace.tags[tagKeys.artifactLocation]
  if (uri === undefined) return undefined
  const text = await readFile(deps, uri)
  if (text === undefined) return undefined
  try {
    const { spans } = parseJson(text) as { spans: LegacySpan[] }
    return spans.map((span) => wireOfSpan('context' in span ? modernSpan(span) : span))
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
    throw mlflowError('INTERNAL_ERROR', `Trace data is corrupted for request_id=${trace.id}`)
  }
}

async function readFile(deps: TraceDeps, uri: string): Promise<string | undefined> {
  try {
    const file = await artifactRepository(deps, uri).open(spansFile)
    if (file.bytes > fileBytesMax)
      throw mlflowError('INVALID_PARAMETER_VALUE', `${spansFile} has ${file.bytes} bytes: download it`)
    return Buffer.concat(await Array.fromAsync(file.stream())).toString()
  } catch (error) {
    if (error instanceof DomainError && error.code === 'artifact_not_found') return undefined
    throw error
  }
}

type ModernSpan = Parameters<typeof wireOfSpan>[0]

/** Schema 2: ids as `0x…`, times under other names. */
interface OldSpan {
  readonly context: { readonly trace_id: string; readonly span_id: string }
  readonly parent_id: string | null
  readonly name: string
  readonly start_time: number | bigint
  readonly end_time: number | bigint | null
  readonly status_code: string
  readonly status_message: string | null
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events?: readonly { name: string; timestamp: number | bigint; attributes?: Record<string, unknown> }[]
}
type LegacySpan = OldSpan | ModernSpan

const base64Of = (id: string, digits: number): string =>
  Buffer.from(id.replace(/^0x/v, '').padStart(digits, '0'), 'hex').toString('base64')

const modernSpan = (span: OldSpan): ModernSpan => ({
  trace_id: base64Of(span.context.trace_id, 32),
  span_id: base64Of(span.context.span_id, 16),
  parent_span_id: span.parent_id === null ? null : base64Of(span.parent_id, 16),
  name: span.name,
  start_time_unix_nano: span.start_time,
  end_time_unix_nano: span.end_time,
  status: { code: `STATUS_CODE_${span.status_code}`, message: span.status_message },
  attributes: span.attributes,
  events: (span.events ?? []).map(({ timestamp, ...event }) => ({ ...event, time_unix_nano: timestamp })),
})
