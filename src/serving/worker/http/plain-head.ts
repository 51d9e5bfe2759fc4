// The head of a request in its plainest form, as programs that ask over and over write it. Whatever is written otherwise, however rightly,
// is not read here: every doubt about where a request ends is for Node's parser to settle.
import type { IncomingHttpHeaders } from 'node:http'

export interface PlainHead {
  readonly method: 'GET' | 'POST'
  /** Path and query. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders
  /** Of the body that follows. */
  readonly bodyBytes: number
}

const requestLine = /^(?<method>GET|POST) (?<target>\/[\x21-\x7E]*) HTTP\/1\.1$/v
/** A token (all but one of its signs), and visible ASCII with single blanks of a sender's own between. */
const headerLine = /^(?<name>[\w!#$%'*+.^`\|~\-]+): ?(?<value>[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?)$/v
const wholeNumber = /^(?:0|[1-9]\d{0,7})$/v

/** These change how a request is framed, or what its connection is for. */
const framing: ReadonlySet<string> = new Set([
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** @param text all before the empty line, one character a byte; undefined: not of the plain form */
export function plainHead(text: string): PlainHead | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const { method, target } = requestLine.exec(first)?.groups ?? {}
  if (target === undefined) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    const found = headerLine.exec(line)?.groups
    if (!found) return undefined
    const name = found['name']!.toLowerCase()
    if (headers.has(name) || framing.has(name)) return undefined
    headers.set(name, found['value']!)
  }
  if (!headers.has('host') || (headers.get('connection') ?? 'keep-alive').toLowerCase() !== 'keep-alive')
    return undefined
  const length = headers.get('content-length')
  // What a GET brings, and a POST without a length, are Node's to make sense of.
  if ((method === 'POST') !== (length !== undefined)) return undefined
  if (length !== undefined && !wholeNumber.test(length)) return undefined
  return {
    method: method === 'POST' ? 'POST' : 'GET',
    target,
    headers: Object.fromEntries(headers),
    bodyBytes: Number(length ?? 0),
  }
}

/** Callers cannot make the memory grow beyond so many heads of so many bytes each. */
const rememberedMax = 512
const rememberedBytesMax = 1024

/** As `plainHead`, of the first `length` bytes: a program's heads are the same from request to request, and read once. */
export function createHeadReader(): (bytes: Buffer, length: number) => PlainHead | undefined {
  const remembered = new Map<string, PlainHead>()
  /** Of the head that came twice in a row: it is not even made a text. */
  const again = Buffer.alloc(rememberedBytesMax)
  let againLength = -1
  let last: PlainHead | undefined
  return (bytes, length) => {
    if (length === againLength && areSame(bytes, again, length)) return last
    againLength = -1
    const text = bytes.toString('latin1', 0, length)
    const known = remembered.get(text)
    if (known && known === last) againLength = bytes.copy(again, 0, 0, length)
    last = known ?? plainHead(text)
    if (!known && last && length <= rememberedBytesMax) {
      if (remembered.size === rememberedMax) remembered.clear()
      remembered.set(text, last)
    }
    return last
  }
}

/** From the end, where lengths mostly stand. */
function areSame(one: Buffer, other: Buffer, length: number): boolean {
  for (let at = length - 1; at >= 0; at--) if (one[at] !== other[at]) return false
  return true
}
