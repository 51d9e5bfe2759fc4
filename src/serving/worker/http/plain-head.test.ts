// What is taken for a plain head is, to Node's parser, the same request with the same end; whatever else somebody writes is left to it.
import { createServer, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import { expect, test } from 'vitest'
import { createHeadReader, plainHead, type PlainHead } from './plain-head.ts'
import { createRandomWhole } from '../../../platform/testing-random.ts'

const head = (...lines: readonly string[]): string => lines.join('\r\n')

test('a head as programs write it is read', () => {
  const text = head('POST /v2/models/a/infer?x=1 HTTP/1.1', 'Host: a:1', 'Content-Length:12', 'X-Empty-Ish: a b  c')
  expect(plainHead(text)).toEqual({
    method: 'POST',
    target: '/v2/models/a/infer?x=1',
    headers: { host: 'a:1', 'content-length': '12', 'x-empty-ish': 'a b  c' },
    bodyBytes: 12,
  })
  expect(plainHead(head('GET / HTTP/1.1', 'host: a', 'Connection: Keep-Alive'))).toMatchObject({ bodyBytes: 0 })
})

test.each([
  ['another method', head('PUT / HTTP/1.1', 'host: a', 'content-length: 1')],
  ['another version', head('GET / HTTP/1.0', 'host: a')],
  ['a whole URL', head('GET http://a/ HTTP/1.1', 'host: a')],
  ['no host', head('GET / HTTP/1.1')],
  ['two hosts', head('GET / HTTP/1.1', 'host: a', 'Host: b')],
  ['a body of a GET', head('GET / HTTP/1.1', 'host: a', 'content-length: 1')],
  ['no length', head('POST / HTTP/1.1', 'host: a')],
  ['two lengths', head('POST / HTTP/1.1', 'host: a', 'content-length: 1', 'content-length: 1')],
  ['a signed length', head('POST / HTTP/1.1', 'host: a', 'content-length: +1')],
  ['a length with zeros ahead', head('POST / HTTP/1.1', 'host: a', 'content-length: 01')],
  ['a length in hexadecimal', head('POST / HTTP/1.1', 'host: a', 'content-length: 0x1')],
  ['a huge length', head('POST / HTTP/1.1', 'host: a', 'content-length: 999999999')],
  ['chunks', head('POST / HTTP/1.1', 'host: a', 'content-length: 1', 'transfer-encoding: chunked')],
  ['a question ahead', head('POST / HTTP/1.1', 'host: a', 'content-length: 1', 'expect: 100-continue')],
  ['an upgrade', head('GET / HTTP/1.1', 'host: a', 'connection: upgrade', 'upgrade: h2c')],
  ['a last request', head('GET / HTTP/1.1', 'host: a', 'connection: close')],
  ['a blank before the colon', head('POST / HTTP/1.1', 'host: a', 'content-length : 1')],
  ['a folded line', head('GET / HTTP/1.1', 'host: a', 'x: 1', ' 2')],
  ['a bare line feed', head('GET / HTTP/1.1', 'host: a\nx: 1')],
  ['a bare carriage return', head('GET / HTTP/1.1', 'host: a\rx: 1')],
  ['a control character', head('GET / HTTP/1.1', 'host: a', 'x: \0')],
  ['letters beyond ASCII', head('GET / HTTP/1.1', 'host: a', 'x: \u00E9')],
  ['nothing', ''],
])('%s is not of the plain form', (_what, text) => {
  expect(plainHead(text)).toBeUndefined()
})

test('names that objects have of themselves are headers like any other', () => {
  const found = plainHead(head('GET / HTTP/1.1', 'host: a', '__proto__: x', 'constructor: y'))
  expect(Object.entries(found!.headers)).toEqual([
    ['host', 'a'],
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
})

function readerOfTexts(): (text: string) => PlainHead | undefined {
  const read = createHeadReader()
  // Something always follows a head.
  return (text) => read(Buffer.from(`${text}\r\n\r\nbody`, 'latin1'), text.length)
}

test('heads are remembered up to a limit, and read right beyond it', () => {
  const read = readerOfTexts()
  const textOf = (at: number): string => head('POST / HTTP/1.1', 'host: a', `content-length: ${at}`)
  for (let round = 0; round < 2; round++)
    for (let at = 0; at < 2_000; at++) expect(read(textOf(at))!.bodyBytes).toBe(at)
  expect(read(textOf(7))).toBe(read(textOf(7)))
})

const lines = [
  'host: a',
  'Host: b:80',
  'content-length: 3',
  'Content-Length: 4',
  'content-length: 3, 3',
  'content-length:3',
  'content-length:\t3',
  'content-length: 3 ',
  'transfer-encoding: chunked',
  'connection: keep-alive',
  'Connection: close',
  'connection: keep-alive, x',
  'accept: */*',
  'x-key: a,b; c="d"',
  'cookie: a=b',
  'x-key: ',
]
const noise = ['\r', '\n', '\0', ' ', '\t', ':', '\u00FF', ',', '\r\n', '3', '\u000B']

/** A head of whatever there is, with something put into it or taken from it now and then. */
function randomHead(random: (end: number) => number): string {
  const method = ['GET', 'POST', 'POST', 'post', 'HEAD'][random(5)]!
  const chosen = Array.from({ length: 1 + random(5) }, () => lines[random(lines.length)]!)
  let text = head(`${method} /v2/models/a HTTP/1.${random(8) === 0 ? 0 : 1}`, ...chosen)
  for (let left = random(3); left > 0; left--) {
    const at = random(text.length)
    text = text.slice(0, at) + (random(2) === 0 ? noise[random(noise.length)]! : '') + text.slice(at + random(2))
  }
  return text
}

/** What Node makes of the bytes; undefined: it refuses them. */
function readByNode(
  text: string,
): Promise<(Pick<IncomingMessage, 'method' | 'url' | 'headers'> & { body: string }) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((request) => {
      const { method, url, headers } = request
      let body = ''
      request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk))
      request.on('end', () => resolve({ method, url, headers, body }))
      request.on('error', reject)
    })
    server.on('clientError', () => resolve(undefined))
    const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    server.emit('connection', socket)
    socket.push(Buffer.from(text, 'latin1'))
  })
}

test('Node reads every head that is taken for a plain one as the same request', async () => {
  const random = createRandomWhole(20_261_122)
  let plain = 0
  for (let at = 0; at < 60_000; at++) {
    const text = randomHead(random)
    const found = plainHead(text)
    if (!found) continue
    plain++
    const body = 'abcdefghij'.slice(0, found.bodyBytes)
    expect.soft(await readByNode(`${text}\r\n\r\n${body}`), JSON.stringify(text)).toEqual({
      method: found.method,
      url: found.target,
      headers: found.headers,
      body,
    })
  }
  expect(plain).toBeGreaterThan(300)
})

test('a head that comes again and again is what it was, whatever comes between', () => {
  const read = readerOfTexts()
  const texts = ['POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 1', 'POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 2', 'POST /b HTTP/1.1\r\nhost: h\r\ncontent-length: 1', 'GET /a HTTP/1.1\r\nhost: h', 'POST /a HTTP/1.1', ''] // prettier-ignore
  for (let at = 0; at < 2_000; at++) {
    // Runs of one to five of each.
    const text = texts[Math.floor(Math.sin(Math.floor(at / (1 + (at % 5)))) * 1e4 + 1e4) % texts.length]!
    expect(read(text), text).toEqual(plainHead(text))
  }
})
