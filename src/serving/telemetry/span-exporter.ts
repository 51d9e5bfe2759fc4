// Spans on their way to a collector: a bounded buffer, sent in batches beside the answers; what does not fit or is not taken is counted.
import { messageOf } from '../../platform/errors.ts'
import { anyAddress } from '../../platform/addresses.ts'
import type { Log } from '../../platform/log.ts'
import { postOutbound } from '../../platform/outbound.ts'
import { spansBufferedMax, spansPerExportMax } from '../contract/gateway-limits.ts'
import { encodeSpans, type Resource } from './otlp-writer.ts'
import type { Span } from './span.ts'

const exportIntervalMs = 1_000
const exportTimeoutMs = 5_000
/** The last of a process. */
const lastExportTimeoutMs = 1_000

export interface SpanExporter {
  /** Drops the span when the buffer is full. */
  add(span: Span): void
  /** Sends what is left, once. */
  close(): Promise<void>
}

export interface SpanExporterDeps {
  /** Takes OTLP over HTTP: the whole URL, such as `http://127.0.0.1:4318/v1/traces`. Named by the operator, so it may be anywhere. */
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly resource: Resource
  readonly count: (outcome: 'sent' | 'dropped' | 'failed', spans: number) => void
  readonly log: Log
}

/** A batch that was not taken is tried once more with the next turn, then given up. */
export function createSpanExporter(deps: SpanExporterDeps): SpanExporter {
  let waiting: Span[] = []
  let again: readonly Span[] | undefined
  let isFailing = false
  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> | undefined

  const send = async (spans: readonly Span[], timeoutMs: number): Promise<boolean> => {
    try {
      const outcome = await postOutbound({
        target: deps.url,
        body: encodeSpans(spans, deps.resource),
        contentType: 'application/x-protobuf',
        headers: deps.headers,
        allow: anyAddress,
        timeoutMs,
      })
      const isTaken = outcome.state === 'answered' && outcome.status < 300
      if (!isTaken) noteFailure(outcome.state === 'answered' ? `status ${outcome.status}` : outcome.state)
      else isFailing = false
      return isTaken
    } catch (error) {
      noteFailure(messageOf(error))
      return false
    }
  }
  const noteFailure = (reason: string): void => {
    if (!isFailing) deps.log.warn('traces are not taken by their collector', { url: deps.url.origin, reason })
    isFailing = true
  }
  const turn = async (timeoutMs: number): Promise<void> => {
    const isSecondTry = again !== undefined
    const spans = again ?? waiting.splice(0, spansPerExportMax)
    again = undefined
    if (spans.length === 0) return
    if (await send(spans, timeoutMs)) deps.count('sent', spans.length)
    else if (isSecondTry) deps.count('failed', spans.length)
    else again = spans
  }
  const schedule = (delayMs: number): void => {
    timer ??= setTimeout(() => {
      working = turn(exportTimeoutMs).finally(() => {
        timer = undefined
        working = undefined
        if (waiting.length > 0 || again) schedule(waiting.length >= spansPerExportMax && !again ? 0 : exportIntervalMs)
      })
    }, delayMs).unref()
  }

  return {
    add(span) {
      if (waiting.length >= spansBufferedMax) return deps.count('dropped', 1)
      waiting.push(span)
      schedule(exportIntervalMs)
    },
    async close() {
      clearTimeout(timer)
      await working
      clearTimeout(timer)
      const spans = [...(again ?? []), ...waiting]
      waiting = []
      if (spans.length === 0) return
      deps.count((await send(spans, lastExportTimeoutMs)) ? 'sent' : 'failed', spans.length)
    },
  }
}
