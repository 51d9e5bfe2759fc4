// Reads export requests: small ones here, large ones on a thread, so that no request keeps others from being answered.
import { Worker } from 'node:worker_threads'
import { DomainError } from '../platform/errors.ts'
import { findingsOf, type KeptSpan, type TagRule, type TraceFindings } from './derive/spans.ts'
import { prepareSpans } from './intake.ts'
import { decodeOtlp, type OtlpType } from './otlp.ts'
import { unpack, type Packing } from './otlp/packing.ts'
import type { ThreadAnswer, ThreadRequest, TracePart } from './otlp/thread.ts'

export { packings, type Packing } from './otlp/packing.ts'

/** Unpacked; what has more is read on the thread. Some milliseconds. */
const smallBytesMax = 128 * 1024
/** How many requests may wait for the thread; the next is told to come later (503). */
const waitingMax = 16
/** A request that takes longer is refused. */
const readingMsMax = 60_000
/** Without work the thread ends, and what it holds is free. */
const idleMsMax = 15_000

export interface SentExport {
  readonly bytes: Buffer
  readonly type: OtlpType
  readonly packing: Packing
}

export interface ExportFindings {
  /** How many resources sent spans, also those that sent none. */
  readonly resources: number
  readonly traces: readonly TraceFindings[]
}

export interface OtlpReader extends AsyncDisposable {
  /**
   * The bytes are given away.
   * @throws DomainError otlp_malformed, otlp_span, otlp_packing, otlp_too_large, spans_busy, trace_text_too_long
   */
  read(sent: SentExport, tagOf: TagRule): Promise<ExportFindings>
}

interface Thread {
  readonly worker: Worker
  answered: PromiseWithResolvers<ThreadAnswer> | undefined
}

const source = new URL('./otlp/thread.ts', import.meta.url)
const file = import.meta.url.endsWith('.ts') ? source : new URL('./otlp/thread.js', import.meta.url)

export function createOtlpReader(): OtlpReader {
  let thread: Thread | undefined
  let idle: NodeJS.Timeout | undefined
  let waiting = 0
  let last: Promise<unknown> = Promise.resolve()

  async function end(): Promise<void> {
    clearTimeout(idle)
    const { worker } = thread ?? {}
    thread = undefined
    await worker?.terminate()
  }

  async function readOnThread(sent: SentExport, tagOf: TagRule): Promise<ExportFindings> {
    clearTimeout(idle)
    const own = (thread ??= startThread(() => (thread = undefined)))
    own.worker.ref() // The process stays for an answer that somebody waits for.
    const limit = setTimeout(() => void own.worker.terminate(), readingMsMax)
    try {
      return await assemble(own, sent, tagOf)
    } finally {
      clearTimeout(limit)
      own.worker.unref()
      idle = setTimeout(() => void end(), idleMsMax).unref()
    }
  }

  return {
    async read(sent, tagOf) {
      const small = smallBodyOf(sent)
      if (small) {
        const { resources, spans } = decodeOtlp(small, sent.type)
        return { resources, traces: await prepareSpans(spans, tagOf) }
      }
      if (waiting >= waitingMax) {
        const message = `${waitingMax} large requests wait to be read already: send this one again later`
        throw new DomainError('unavailable', 'spans_busy', message)
      }
      waiting++
      const done = last.then(() => readOnThread(sent, tagOf)).finally(() => waiting--)
      last = done.catch(() => undefined)
      return done
    },
    [Symbol.asyncDispose]: end,
  }
}

/** Undefined for one that is large, or would be. */
function smallBodyOf({ bytes, packing }: SentExport): Uint8Array | undefined {
  if (bytes.byteLength > smallBytesMax) return undefined
  try {
    return unpack(bytes, packing, smallBytesMax)
  } catch (error) {
    if (error instanceof DomainError && error.code === 'otlp_too_large') return undefined
    throw error
  }
}

function startThread(onEnd: () => void): Thread {
  const worker = new Worker(file, { execArgv: [] })
  const thread: Thread = { worker, answered: undefined }
  worker.on('message', (answer: ThreadAnswer) => thread.answered?.resolve(answer))
  worker.on('error', (error) => {
    onEnd()
    thread.answered?.reject(error)
  })
  worker.on('exit', () => {
    onEnd()
    // It is ended in the midst of a request that takes too long, and when the server ends.
    const message = `an export request was not read within ${readingMsMax / 1000} s: send fewer spans at once`
    thread.answered?.reject(new DomainError('too_large', 'otlp_too_large', message))
  })
  return thread
}

async function ask(thread: Thread, request: ThreadRequest): Promise<ThreadAnswer & { kind: 'part' }> {
  thread.answered = Promise.withResolvers()
  const memory = request.kind === 'read' ? [request.bytes.buffer as ArrayBuffer] : []
  thread.worker.postMessage(request, memory)
  const answer = await thread.answered.promise.finally(() => (thread.answered = undefined))
  if (answer.kind === 'part') return answer
  if (answer.kind === 'failed') throw new Error(answer.message)
  const { kind, code, message } = answer.error
  throw new DomainError(kind, code, message)
}

async function assemble(thread: Thread, sent: SentExport, tagOf: TagRule): Promise<ExportFindings> {
  const { bytes, type, packing } = sent
  const traces: (TraceFindings & { spans: KeptSpan[] })[] = []
  const add = ({ head, spans }: TracePart): void => {
    if (head) traces.push({ ...findingsOf({ ...head, spans: [] }, tagOf), spans: [...spans] })
    else traces.at(-1)!.spans.push(...spans)
  }
  let part = await ask(thread, { kind: 'read', bytes: ownedOf(bytes), type, packing })
  for (;;) {
    for (const each of part.parts) add(each)
    if (part.isLast) return { resources: part.resources, traces }
    part = await ask(thread, { kind: 'more' })
  }
}

/** Memory that is nobody else's can be handed over without a copy. */
const ownedOf = (bytes: Buffer): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes)
