// A load generator in a process of its own: kept connections, one request in flight on each, as fast as they are answered, or so many a
// second. Run: node load.ts <url> <connections> <warm-up ms> <measured ms> <bodies.json> [requests a second]. Prints one line of JSON, a
// LoadResult. With a rate, a request that finds no free connection waits for one, and its time is counted from when it should have been sent.
// A body is a text that is posted to the URL as JSON, or { path, headers, base64 } that is posted to a path of its own.
// It writes requests that are made beforehand and looks for nothing but lengths, so that it takes little from what it measures. Without a
// rate it first reads all answers that have come, then sends as many requests, as `wrk` does.
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

export interface LoadResult {
  /** Answered within the measured time. */
  readonly requests: number
  readonly measuredMs: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Answered with 200 within the measured time. */
  readonly answered: number
  /** Answers other than 200, in all the time. */
  readonly failures: number
  /** Answered in all the time, the warm-up included. */
  readonly total: number
}

/** A body that is no JSON, or goes elsewhere than the others. */
export interface LoadBody {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly base64: string
}

const microsPerBucket = 20
/** Connections are made one after the other: of many at once, one of several workers that share a socket may take all. */
const openingMs = 150
const buckets = new Uint32Array(500_000)
const state = { isMeasuring: false, isOver: false, requests: 0, answered: 0, failures: 0, total: 0, next: 0 }
/** With a rate: when requests should have been sent that no connection was free for yet, and the connections that are. */
const due = { times: [] as number[], taken: 0 }
const idle: ((sentAt: number) => void)[] = []

if (import.meta.main) {
  const [url, connections, warmUpMs, measuredMs, bodiesFile, rate] = process.argv.slice(2)
  const target = new URL(url!)
  const bodies = JSON.parse(readFileSync(bodiesFile!, 'utf8')) as (string | LoadBody)[]
  const requests = bodies.map((body) => requestOf(target, body))
  const isPaced = rate !== undefined
  const callers: (() => void)[] = []
  const openedAtMs = performance.now()
  const opening = setInterval(() => {
    const share = Math.min(1, (performance.now() - openedAtMs) / openingMs)
    while (callers.length < share * Number(connections)) callers.push(open(target, requests, isPaced))
    if (share === 1) clearInterval(opening)
  }, 1)
  if (isPaced) pace(Number(rate))
  setTimeout(() => {
    state.isMeasuring = true
    const start = performance.now()
    setTimeout(() => {
      state.isMeasuring = false
      state.isOver = true
      clearInterval(opening)
      report(performance.now() - start)
      for (const end of callers) end()
    }, Number(measuredMs))
  }, Number(warmUpMs))
}

function requestOf(target: URL, body: string | LoadBody): Buffer {
  const isText = typeof body === 'string'
  const content = isText ? Buffer.from(body) : Buffer.from(body.base64, 'base64')
  const headers = {
    Host: target.host,
    'Content-Type': 'application/json',
    ...(isText ? {} : body.headers),
    'Content-Length': String(content.byteLength),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `POST ${isText ? target.pathname : body.path} HTTP/1.1\r\n${lines.join('')}\r\n`
  return Buffer.concat([Buffer.from(head), content])
}

/** Sends what is due, a thousand times a second. */
function pace(rate: number): void {
  const start = performance.now()
  let issued = 0
  setInterval(() => {
    const now = performance.now()
    for (; issued < ((now - start) * rate) / 1000; issued++) due.times.push(start + (issued * 1000) / rate)
    while (idle.length > 0 && hasDue()) idle.pop()!(takeDue())
  }, 1).unref()
}

const hasDue = (): boolean => due.taken < due.times.length

/** Far more may be due than can be sent: taken from the front of a long list, each would move all the others. */
function takeDue(): number {
  const time = due.times[due.taken++]!
  if (due.taken > 10_000) {
    due.times = due.times.slice(due.taken)
    due.taken = 0
  }
  return time
}

/** What is read of all connections comes through one memory, and is looked at before the next is read. */
const readBytes = 64 * 1024
const readMemory = Buffer.allocUnsafeSlow(readBytes)
/** Within which the head of an answer ends. */
const headBytesMax = 4096

/** The head of an answer, as far as it matters here. */
interface AnswerHead {
  readonly status: string
  /** Of head and body. */
  readonly bytes: number
  readonly isLast: boolean
}

/** As the server spells it; servers spell it in one way only. */
let lengthName: string | undefined
const lengthPattern = /(?<name>\r\ncontent-length: ?)\d/iv

/** @param text begins with the head, one character a byte; undefined: it is not whole yet */
function headOf(text: string): AnswerHead | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) {
    if (text.length >= headBytesMax) throw new Error(`the head of an answer has more than ${headBytesMax} bytes`)
    return undefined
  }
  lengthName ??= lengthPattern.exec(text)?.groups?.['name']
  const place = lengthName === undefined ? -1 : text.indexOf(lengthName)
  if (place === -1 || place > end) throw new Error('an answer has no Content-Length')
  const length = Number.parseInt(text.slice(place + lengthName!.length, end), 10)
  const closes = text.indexOf(': close\r\n')
  return { status: text.slice(9, 12), bytes: end + 4 + length, isLast: closes !== -1 && closes < end }
}

/**
 * A caller who keeps its connection, and makes a new one when the server ends it between two requests, as servers do that are replaced.
 * @returns ends it
 */
function open({ hostname, port }: URL, requests: readonly Buffer[], isPaced: boolean): () => void {
  let socket: Socket
  let sentAt = 0
  let isWaiting = false
  /** Of the answer that arrives: what came of its head before it was whole, then its head; and the bytes that have come. */
  let begun = ''
  let head: AnswerHead | undefined
  let bytes = 0
  const send = (at = performance.now()): void => {
    sentAt = at
    isWaiting = true
    socket.write(requests[state.next++ % requests.length]!)
  }
  const sendNext = (): void => {
    if (!isPaced) sendAfterReads(send)
    else if (hasDue()) send(takeDue())
    else idle.push(send)
  }
  const onRead = (length: number): boolean => {
    bytes += length
    if (!head) {
      begun += readMemory.toString('latin1', 0, Math.min(length, headBytesMax))
      head = headOf(begun)
    }
    if (!head || bytes < head.bytes) return true
    const { status, isLast } = head
    begun = ''
    head = undefined
    bytes = 0
    count(performance.now() - sentAt, status)
    isWaiting = false
    if (state.isOver) return true
    if (isLast) socket.destroy()
    else sendNext()
    return true
  }
  const begin = (): void => {
    const onread = { buffer: readMemory, callback: onRead }
    socket = connect({ host: hostname, port: Number(port), noDelay: true, onread })
    socket.once('connect', sendNext)
    socket.on('error', (error) => {
      if (isWaiting) throw error
    })
    socket.on('close', () => {
      if (state.isOver) return
      if (isWaiting) throw new Error('the server closed a connection and owed an answer')
      const place = idle.indexOf(send)
      if (place !== -1) idle.splice(place, 1)
      begin()
    })
  }
  begin()
  return () => socket.destroy()
}

const unsent: (() => void)[] = []

function sendAfterReads(send: () => void): void {
  if (unsent.push(send) > 1) return
  setImmediate(() => {
    for (const each of unsent) each()
    unsent.length = 0
  })
}

function count(ms: number, status: string): void {
  state.total++
  if (status !== '200') state.failures++
  if (!state.isMeasuring) return
  state.requests++
  if (status === '200') state.answered++
  buckets[Math.min(buckets.length - 1, Math.floor((ms * 1000) / microsPerBucket))]!++
}

function report(measuredMs: number): void {
  const quantile = (share: number): number => {
    let left = Math.ceil(state.requests * share)
    const at = buckets.findIndex((found) => (left -= found) <= 0)
    return ((at + 1) * microsPerBucket) / 1000
  }
  const { requests, answered, failures, total } = state
  const [p50, p99] = [quantile(0.5), quantile(0.99)]
  const result: LoadResult = { requests, answered, measuredMs, p50, p99, failures, total }
  console.log(JSON.stringify(result))
}
