// ModelInfer and ModelStreamInfer: the same inference as over HTTP, one request a message.
import { DomainError } from '../../platform/errors.ts'
import {
  inferResponseFrame,
  inputTensors,
  isRaw,
  readInferRequest,
  streamErrorFrame,
  streamResponseFrame,
  type GrpcInferRequest,
} from '../protocols/grpc-infer.ts'
import { assertWanted } from '../protocols/open-inference-answer.ts'
import { rowsOfTensors } from '../protocols/tensors.ts'
import { limitCaller, serve, type HandlerDeps, type InferenceExchange, type Reader } from '../worker/exchange.ts'
import type { GrpcCall } from './call.ts'
import type { GrpcMethod, StreamReceiver } from './server.ts'

/** Requests of one stream that are not answered yet; beyond it nothing more is read. */
const streamPendingMax = 256

/** `headers`: names and values in turn, as HTTP's answers have them. */
type Respond = (frame: Uint8Array | DomainError, headers: readonly string[]) => void

/** @throws DomainError for what is wrong with the request itself */
function inferWith(
  deps: HandlerDeps,
  { call, request, isStream }: { call: GrpcCall; request: GrpcInferRequest; isStream: boolean },
  respond: Respond,
): void {
  const read: Reader = ({ signature }) => {
    assertWanted(signature, request.outputs)
    const facts = { callerId: request.id === '' ? undefined : request.id }
    const how = { outputs: request.outputs, isRaw: isRaw(request) }
    const frameOf = isStream ? streamResponseFrame : inferResponseFrame
    return {
      ...rowsOfTensors(inputTensors(request), signature),
      timeoutMs: leastOf(call.timeoutMs, request.timeoutMs),
      priority: request.priority,
      write: (served, rows, found) => ({ body: frameOf(served, rows, { facts: { ...found, ...facts }, ...how }) }),
    }
  }
  const reply: InferenceExchange['reply'] = (answer, headers) =>
    answer instanceof DomainError
      ? respond(answer, headers ?? [])
      : respond(answer.body as Uint8Array, answer.headers ?? [])
  const match = { endpoint: request.model.slice(0, 200), version: request.version?.slice(0, 200) }
  const ask = (): void => {
    const endpoint = deps.serving.endpoints.get(match.endpoint)
    const limited = endpoint && limitCaller(deps, endpoint, call.callerAddress())
    if (limited) return respond(limited, [])
    serve(deps, { match, request: call, reply }, { body: nothing, read })
  }
  const arriving = deps.serving.arriving(match.endpoint)
  if (!arriving) return ask()
  arriving.then(ask).catch((error: unknown) => {
    if (error instanceof DomainError) respond(error, [])
    else call.fail(error)
  })
}

const nothing = Buffer.alloc(0)

const leastOf = (first: number | undefined, second: number | undefined): number | undefined =>
  first === undefined || second === undefined ? (first ?? second) : Math.min(first, second)

/** Names and values in turn, as headers of HTTP/2. */
function recordOf(headers: readonly string[]): Record<string, string> {
  const record: Record<string, string> = {}
  for (let at = 0; at < headers.length; at += 2) record[headers[at]!] = headers[at + 1]!
  return record
}

export const modelInfer = (deps: HandlerDeps): GrpcMethod => ({
  permission: 'endpoint.infer',
  one: (call, message) =>
    inferWith(deps, { call, request: readInferRequest(message), isStream: false }, (frame, headers) => {
      if (frame instanceof DomainError) return call.fail(frame, recordOf(headers))
      call.begin(recordOf(headers))
      call.finish(frame)
    }),
})

/** Answers come in the order of the requests; what is wrong with one request is told in its answer, and the stream goes on. */
export const modelStreamInfer = (deps: HandlerDeps): GrpcMethod => ({
  permission: 'endpoint.infer',
  many: (call) => createStream(deps, call),
})

interface Slot {
  frame: Uint8Array | undefined
}

function createStream(deps: HandlerDeps, call: GrpcCall): StreamReceiver {
  const slots: Slot[] = []
  let isEnded = false
  let isLeaving = false
  let isBlocked = false
  const isFull = (): boolean => isBlocked || slots.length >= streamPendingMax
  const flush = (): void => {
    const wasFull = isFull()
    while (slots[0]?.frame && !isBlocked) {
      if (call.send(slots.shift()!.frame!)) continue
      isBlocked = true
      call.onDrain(() => {
        isBlocked = false
        flush()
        if (!isFull()) call.resume()
      })
    }
    if (wasFull && !isFull()) call.resume()
    if (slots.length > 0) return
    if (isEnded) call.finish()
    else if (isLeaving) call.fail(streamMoved())
  }
  call.begin()
  return {
    get isFull() {
      return isFull()
    },
    message(bytes) {
      const slot: Slot = { frame: undefined }
      slots.push(slot)
      let id = ''
      const respond: Respond = (frame) => {
        slot.frame = frame instanceof DomainError ? streamErrorFrame(frame.message, id) : frame
        flush()
      }
      try {
        const request = readInferRequest(bytes)
        ;({ id } = request)
        inferWith(deps, { call, request, isStream: true }, respond)
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
        respond(error, [])
      }
    },
    end() {
      isEnded = true
      flush()
    },
    leave() {
      isLeaving = true
      flush()
    },
  }
}

const streamMoved = (): DomainError =>
  new DomainError('unavailable', 'worker_leaving', 'the worker of this stream leaves: open the stream again')
