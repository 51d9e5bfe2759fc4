// The thread that reads large export requests, so that the event loop has no part in it but to take over what was found.
import { parentPort } from 'node:worker_threads'
import { DomainError, type ErrorKind } from '../../platform/errors.ts'
import { sentTracesOf, type KeptSpan, type SentTrace } from '../derive/spans.ts'
import { endOfPart } from '../turns.ts'
import { decodeOtlp, type OtlpType } from '../otlp.ts'
import { unpack, type Packing } from './packing.ts'

export type ThreadRequest =
  | { readonly kind: 'read'; readonly bytes: Uint8Array; readonly type: OtlpType; readonly packing: Packing }
  | { readonly kind: 'more' }

/** Some spans of a trace; the first part of one says what else is known of it. */
export interface TracePart {
  readonly head?: Omit<SentTrace, 'spans'>
  readonly spans: readonly KeptSpan[]
}

export type ThreadAnswer =
  | {
      readonly kind: 'part'
      readonly resources: number
      readonly parts: readonly TracePart[]
      readonly isLast: boolean
    }
  | { readonly kind: 'refused'; readonly error: { kind: ErrorKind; code: string; message: string } }
  | { readonly kind: 'failed'; readonly message: string }

/** Of one answer: taken over in some milliseconds. */
const perAnswer = { items: 512, size: { of: ({ content }: KeptSpan): number => content.length, most: 1024 * 1024 } }

let resources = 0
let parts: Iterator<readonly TracePart[]> = [][Symbol.iterator]()
let next: IteratorResult<readonly TracePart[]> = { done: true, value: undefined }

async function answer(request: ThreadRequest): Promise<ThreadAnswer> {
  if (request.kind === 'read') {
    const { bytes, packing, type } = request
    const decoded = decodeOtlp(unpack(bytes, packing), type)
    resources = decoded.resources
    parts = partsOf(await sentTracesOf(decoded.spans))
    next = parts.next()
  }
  const { value } = next
  next = parts.next()
  return { kind: 'part', resources, parts: value ?? [], isLast: next.done === true }
}

/** Traces one after the other, cut where an answer is full. */
function* partsOf(traces: readonly SentTrace[]): Generator<readonly TracePart[]> {
  let answered: TracePart[] = []
  let items = 0
  let size = 0
  for (const { spans, ...head } of traces) {
    for (let at = 0; at < spans.length;) {
      const room = { items: perAnswer.items - items, size: { ...perAnswer.size, most: perAnswer.size.most - size } }
      const end = endOfPart(spans, at, room)
      const part = spans.slice(at, end)
      answered.push(at === 0 ? { head, spans: part } : { spans: part })
      at = end
      items += part.length
      size += part.reduce((sum, span) => sum + perAnswer.size.of(span), 0)
      if (items < perAnswer.items && size < perAnswer.size.most) continue
      yield answered
      ;[answered, items, size] = [[], 0, 0]
    }
  }
  if (answered.length > 0) yield answered
}

parentPort!.on('message', async (request: ThreadRequest) => {
  parentPort!.postMessage(await answer(request).catch(refusalOf))
})

function refusalOf(error: unknown): ThreadAnswer {
  if (!(error instanceof DomainError)) return { kind: 'failed', message: String((error as Error).stack ?? error) }
  const { kind, code, message } = error
  return { kind: 'refused', error: { kind, code, message } }
}
