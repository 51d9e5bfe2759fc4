// A worker's port at the level of bytes: what comes whole and plain is answered without Node's parser and everything else with it, and a
// caller cannot tell which.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { smallModel } from '../../../models/testing.ts'
import { systemClock } from '../../../platform/clock.ts'
import { oipBody, smallConfig, startTestWorker, testEndpoint, testVariant } from '../../testing.ts'

const path = '/v2/models/flights/infer'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A connection of bytes; answers are told apart by their lengths. */
class Line implements AsyncDisposable {
  readonly #socket: Socket
  #bytes = ''
  #isOver = false
  #more = Promise.withResolvers<void>()

  constructor(url: string) {
    this.#socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), noDelay: true, allowHalfOpen: true })
    const tell = (): void => {
      this.#more.resolve()
      this.#more = Promise.withResolvers()
    }
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      this.#bytes += text
      tell()
    })
    for (const event of ['end', 'close', 'error'])
      this.#socket.on(event, () => {
        this.#isOver = true
        tell()
      })
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  finish(): void {
    this.#socket.end()
  }

  /** Undefined: the other end has closed. */
  async answer(): Promise<Answer | undefined> {
    for (;;) {
      const found = this.#take()
      if (found) return found
      if (this.#isOver) return undefined
      await this.#more.promise
    }
  }

  #take(): Answer | undefined {
    const end = this.#bytes.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const [first = '', ...lines] = this.#bytes.slice(0, end).split('\r\n')
    const headers = Object.fromEntries(
      lines.map((line) => {
        const [name = '', value = ''] = line.split(': ')
        return [name.toLowerCase(), value]
      }),
    )
    const all = end + 4 + Number(headers['content-length'])
    if (this.#bytes.length < all) return undefined
    const body = this.#bytes.slice(end + 4, all)
    this.#bytes = this.#bytes.slice(all)
    return { status: Number(first.split(' ')[1]), headers, body }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    if (!this.#socket.closed) await once(this.#socket, 'close')
  }
}

async function start() {
  const gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const seen = { byNode: 0 }
  gateway.worker.server.on('request', () => seen.byNode++)
  return { gateway, seen, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() }
}

/** With an id that comes back. */
const bodyOf = (id: string): string => JSON.stringify({ ...(JSON.parse(oipBody([1])) as object), id })

function requestOf(body: string | Uint8Array, headers: readonly string[] = []): Buffer {
  const bytes = Buffer.from(body)
  const lines = [`POST ${path} HTTP/1.1`, 'Host: 127.0.0.1', `Content-Length: ${bytes.length}`, ...headers]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes])
}

const idOf = (answer: Answer | undefined): unknown => (JSON.parse(answer?.body ?? '{}') as { id?: string }).id

test('a plain request is answered without Node’s parser, with the headers that it would have had', async () => {
  await using home = await start()
  await using line = new Line(home.gateway.url)
  line.send(requestOf(bodyOf('first')))
  const plain = await line.answer()
  line.send(requestOf(bodyOf('second')))
  expect([idOf(plain), idOf(await line.answer())]).toEqual(['first', 'second'])
  expect(home.seen.byNode).toBe(0)
  await using other = new Line(home.gateway.url)
  other.send(requestOf(bodyOf('third'), ['TE: gzip']))
  const byNode = await other.answer()
  expect(home.seen.byNode).toBe(1)
  const { headers } = plain!
  expect(Object.keys(headers).toSorted()).toEqual(Object.keys(byNode!.headers).toSorted())
  for (const name of ['content-type', 'connection', 'keep-alive', 'x-content-type-options', 'trueloop-model-version'])
    expect(headers[name]).toBe(byNode!.headers[name])
  expect(Math.abs(Date.parse(headers['date']!) - systemClock())).toBeLessThan(5_000)
})

test('raw tensors are the same bytes to a plain caller and to one of Node’s', async () => {
  await using home = await start()
  const wish = { parameters: { binary_data_output: true } }
  const body = JSON.stringify({
    ...(JSON.parse(oipBody([1])) as object),
    ...wish,
    outputs: [{ name: 'probabilities' }],
  })
  const found: string[] = []
  for (const headers of [[], ['TE: gzip']]) {
    await using line = new Line(home.gateway.url)
    line.send(requestOf(body, headers))
    const answer = (await line.answer())!
    const json = Number(answer.headers['inference-header-content-length'])
    const [tensor] = (JSON.parse(answer.body.slice(0, json)) as { outputs: { shape: number[] }[] }).outputs
    expect(answer.body.length - json).toBe(4 * tensor!.shape[0]! * tensor!.shape[1]!)
    found.push(answer.body.slice(json))
  }
  expect(found[0]).toMatch(/[\x80-\xFF]/v)
  expect(found[1]).toBe(found[0])
})

test('a head and a body that come one after the other are one plain request', async () => {
  await using home = await start()
  await using line = new Line(home.gateway.url)
  for (let at = 0; at < 3; at++) {
    const bytes = requestOf(bodyOf(`request ${at}`))
    const cut = bytes.indexOf('\r\n\r\n') + 4 + at * 10
    line.send(bytes.subarray(0, cut))
    await sleep(20)
    line.send(bytes.subarray(cut))
    expect(idOf(await line.answer())).toBe(`request ${at}`)
  }
  expect(home.seen.byNode).toBe(0)
})

test('a request that takes its time is Node’s, whose limits it has to meet, and is answered', async () => {
  await using home = await start()
  await using line = new Line(home.gateway.url)
  const bytes = requestOf(bodyOf('slow'))
  for (let at = 0; at < 8; at++) {
    line.send(bytes.subarray(at * 32, (at + 1) * 32))
    await sleep(250)
  }
  line.send(bytes.subarray(8 * 32))
  expect(idOf(await line.answer())).toBe('slow')
  expect(home.seen.byNode).toBe(1)
  line.send(requestOf(bodyOf('next')))
  expect(idOf(await line.answer())).toBe('next')
})

test('answers come in the order of their requests, however these are sent', async () => {
  await using home = await start()
  const ids = ['a', 'b', 'c', 'd']
  await using together = new Line(home.gateway.url)
  together.send(Buffer.concat(ids.map((id) => requestOf(bodyOf(id)))))
  for (const id of ids) expect(idOf(await together.answer())).toBe(id)
  await using apart = new Line(home.gateway.url)
  // What is packed is unpacked elsewhere, so that the next ones come before its answer.
  apart.send(requestOf(gzipSync(bodyOf('a')), ['content-encoding: gzip']))
  for (const id of ids.slice(1)) {
    await sleep(1)
    apart.send(requestOf(bodyOf(id)))
  }
  for (const id of ids) expect(idOf(await apart.answer())).toBe(id)
})

test('after plain requests a connection may ask in any way that HTTP has', async () => {
  await using home = await start()
  await using line = new Line(home.gateway.url)
  line.send(requestOf(bodyOf('plain')))
  expect(idOf(await line.answer())).toBe('plain')
  const body = bodyOf('chunked')
  line.send(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n`)
  line.send(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
  expect(idOf(await line.answer())).toBe('chunked')
  line.send('GET /v2/health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
  expect(await line.answer()).toMatchObject({ status: 200, body: '{"live":true}' })
  line.send(requestOf(bodyOf('last'), ['connection: close']))
  const last = await line.answer()
  expect([idOf(last), last?.headers['connection']]).toEqual(['last', 'close'])
  expect(await line.answer()).toBeUndefined()
})

test('what is no request is refused as before, on new connections and on old ones', async () => {
  await using home = await start()
  const long = `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`
  for (const [bytes, status] of [
    ['HELLO\r\n\r\n', 400],
    [`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}`, 400],
    [long, 431],
  ] as const) {
    for (const isOld of [false, true]) {
      await using line = new Line(home.gateway.url)
      if (isOld) {
        line.send(requestOf(bodyOf('fine')))
        expect(idOf(await line.answer())).toBe('fine')
      }
      line.send(bytes)
      expect((await line.answer())?.status).toBe(status)
      expect(await line.answer()).toBeUndefined()
    }
  }
})

test('a caller that says it is done is answered what it asked before, and then let go', async () => {
  await using home = await start()
  await using line = new Line(home.gateway.url)
  line.send(requestOf(gzipSync(bodyOf('packed')), ['content-encoding: gzip']))
  line.finish()
  expect(idOf(await line.answer())).toBe('packed')
  expect(await line.answer()).toBeUndefined()
  await using half = new Line(home.gateway.url)
  half.send(requestOf(bodyOf('half')).subarray(0, -5))
  await sleep(20)
  half.finish()
  expect((await half.answer())?.status).toBe(400)
  expect(await half.answer()).toBeUndefined()
})

test('a worker that leaves says so with the next answer, and closes what stays idle', async () => {
  await using home = await start()
  await using asking = new Line(home.gateway.url)
  await using idle = new Line(home.gateway.url)
  for (const line of [asking, idle]) {
    line.send(requestOf(bodyOf('before')))
    expect(idOf(await line.answer())).toBe('before')
  }
  const gone = home.gateway.worker.leave({ idleLimitMs: 1_500, activeLimitMs: 5_000 })
  asking.send(requestOf(bodyOf('after')))
  const answer = await asking.answer()
  expect([idOf(answer), answer?.headers['connection']]).toEqual(['after', 'close'])
  for (const line of [asking, idle]) expect(await line.answer()).toBeUndefined()
  await gone
})

test('a request that comes byte by byte is read once and answered', async () => {
  await using home = await start()
  await using line = new Line(home.gateway.url)
  const bytes = requestOf(bodyOf('bytes'))
  const from = bytes.indexOf('\r\n\r\n') + 4
  line.send(bytes.subarray(0, from))
  for (let at = from; at < bytes.length; at++) {
    line.send(bytes.subarray(at, at + 1))
    if (at % 16 === 0) await sleep(1)
  }
  expect(idOf(await line.answer())).toBe('bytes')
  line.send(requestOf(bodyOf('next')))
  expect(idOf(await line.answer())).toBe('next')
})

test('nothing is done for a caller after the last answer of its connection', async () => {
  await using home = await start()
  await using line = new Line(home.gateway.url)
  home.gateway.worker.announceLeaving()
  line.send(requestOf(bodyOf('last')))
  expect(await line.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } })
  line.send(requestOf(bodyOf('late')))
  expect(await line.answer()).toBeUndefined()
  // One is what the log has, however long it is waited for the other.
  await sleep(50)
  expect((await home.gateway.reports()).flatMap(({ predictions }) => predictions)).toHaveLength(1)
})

test('a refused caller that does not close its side is closed all the same', async () => {
  await using home = await start()
  const open = (): Promise<number> =>
    new Promise((resolve, reject) =>
      home.gateway.worker.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    )
  const lines = [
    'HELLO\r\n\r\n',
    'POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
  ].map((bytes) => {
    const line = new Line(home.gateway.url)
    line.send(bytes)
    return line
  })
  for (const line of lines) expect((await line.answer())?.status).toBe(400)
  await expect.poll(open, { timeout: 60_000 }).toBe(0)
  for (const line of lines) await line[Symbol.asyncDispose]()
})

test('a model’s name in other letters is a header like any other, packed or not', async () => {
  const model = { bytes: smallModel() }
  const endpoints = [testEndpoint([testVariant(1, model, { version: 'Flüge 模型/1' })])]
  await using gateway = await startTestWorker({ generation: 1, endpoints }, [model])
  for (const rows of [1, 500]) {
    const response = await gateway.infer(
      Array.from({ length: rows }, () => 1),
      { headers: { 'accept-encoding': 'gzip' } },
    )
    expect([response.status, response.headers.get('trueloop-model-version')]).toEqual([
      200,
      'Fl%C3%BCge %E6%A8%A1%E5%9E%8B/1',
    ])
    expect(((await response.json()) as { outputs: { shape: number[] }[] }).outputs[0]!.shape).toEqual([rows, 2])
  }
})
