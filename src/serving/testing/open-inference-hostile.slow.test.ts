// Hostile input over real sockets: whatever comes gets a clear refusal, and the worker answers the next caller.
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { sleep } from '../../platform/clock.ts'
import { oipBody, smallConfig, startTestWorker, type TestWorker } from '../testing.ts'
import { createRandomWhole } from '../../platform/testing-random.ts'

const path = '/v2/models/flights/infer'
const start = () => startTestWorker(smallConfig(), [{ bytes: smallModel() }])

interface Answer {
  readonly status: number
  readonly code: string | undefined
}

async function send(
  gateway: TestWorker,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(gateway.url + path, { method: 'POST', body: Buffer.from(body), headers })
  const text = await response.text()
  if (response.status === 200) return { status: 200, code: undefined }
  const { error, code } = JSON.parse(text) as { error: string; code: string }
  expect(error.length).toBeGreaterThan(10)
  return { status: response.status, code }
}

const tensor = (name: string, change: object): object => ({ name, datatype: 'FP64', shape: [1], data: [1], ...change })
const withTensors = (...tensors: readonly object[]): string => {
  const [, ...others] = (JSON.parse(oipBody([1])) as { inputs: object[] }).inputs
  return JSON.stringify({ inputs: [...tensors, ...others] })
}
const withX = (change: object): string => withTensors(tensor('x', change))

test('bodies that lie about themselves', async () => {
  await using gateway = await start()
  const big = '9'.repeat(400)
  for (const [body, ...expected] of [
    [withX({ shape: [2 ** 53] }), 400, 'tensor_invalid'],
    [withX({ shape: [1, 2 ** 52, 2 ** 52] }), 400, 'tensor_invalid'],
    [withX({ shape: [] }), 400, 'tensor_invalid'],
    [withX({ shape: [-1] }), 400, 'tensor_invalid'],
    [withX({ shape: [1.5] }), 400, 'tensor_invalid'],
    [withX({ shape: '1' }), 400, 'tensor_invalid'],
    [withX({ shape: Array.from({ length: 100_000 }, () => 1) }), 400, 'tensor_invalid'],
    [withX({ shape: Array.from({ length: 2_000 }, () => 1e15) }), 413, 'rows_too_many'],
    [withX({ data: {} }), 400, 'tensor_invalid'],
    [withX({ data: [{}] }), 400, 'tensor_invalid'],
    [withX({ data: [{ length: 1 }] }), 400, 'tensor_invalid'],
    [withX({ datatype: 'constructor' }), 400, 'tensor_invalid'],
    [withX({ datatype: null }), 400, 'tensor_invalid'],
    [withX({ datatype: 'UINT64', data: [-1] }), 400, 'tensor_invalid'],
    [withX({ parameters: { binary_data_size: 8 } }), 400, 'tensor_invalid'],
    [withX({ parameters: 'x' }), 400, 'request_invalid'],
    [withTensors(tensor('x', {}), tensor('x', {})), 400, 'tensor_invalid'],
    [withTensors(tensor('__proto__', {})), 400, 'input_column_unknown'],
    [withTensors(...Array.from({ length: 5_000 }, (_, at) => tensor(`t${at}`, {}))), 400, 'request_invalid'],
    [withX({}).replace('[1]', `[${big}]`), 400, 'tensor_invalid'],
    [withX({}).replaceAll('"shape":[1]', `"shape":[${big}]`), 400, 'tensor_invalid'],
    ['{"inputs":null}', 400, 'request_invalid'],
    ['null', 400, 'request_invalid'],
    ['"inputs"', 400, 'request_invalid'],
    [`{"inputs":[],"x":${'['.repeat(5_000)}`, 400, 'json_too_deep'],
    ['{"inputs":[', 400, 'json_invalid'],
    [Uint8Array.of(0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d), 400, 'json_invalid'],
    [new Uint8Array(100), 400, 'json_invalid'],
  ] as const) {
    const answer = await send(gateway, body)
    const shown = typeof body === 'string' ? body.slice(0, 120) : 'bytes'
    expect([shown, answer.status, answer.code]).toEqual([shown, ...expected])
  }
  expect((await gateway.infer([1])).status).toBe(200)
})

/** One row, its number and its text as raw bytes. */
function rawBody(): { body: Uint8Array; jsonBytes: number } {
  const [, , date] = (JSON.parse(oipBody([1])) as { inputs: object[] }).inputs
  const inputs = [
    { name: 'x', datatype: 'FP64', shape: [1], parameters: { binary_data_size: 8 } },
    { name: 'carrier', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 6 } },
    date,
  ]
  const json = Buffer.from(JSON.stringify({ inputs }))
  const raw = [new Uint8Array(Float64Array.of(1).buffer), Uint8Array.of(2, 0, 0, 0), Buffer.from('AA')]
  return { body: new Uint8Array(Buffer.concat([json, ...raw])), jsonBytes: json.length }
}
const headerOf = (jsonBytes: number | string) => ({ 'inference-header-content-length': String(jsonBytes) })

test('raw bodies cut anywhere, and headers that lie about them', async () => {
  await using gateway = await start()
  const { body, jsonBytes } = rawBody()
  expect((await send(gateway, body, headerOf(jsonBytes))).status).toBe(200)
  for (let end = 0; end < body.length; end++) {
    expect([end, (await send(gateway, body.slice(0, end), headerOf(jsonBytes))).status]).toEqual([end, 400])
  }
  for (const lie of [
    0,
    1,
    jsonBytes - 1,
    jsonBytes + 1,
    body.length,
    body.length + 1,
    '1e3',
    '-1',
    'x',
    '9'.repeat(20),
  ]) {
    expect([lie, (await send(gateway, body, headerOf(lie))).status]).toEqual([lie, 400])
  }
  expect((await send(gateway, body)).status).toBe(400)
})

test('random changes of good bodies end in an answer or a refusal', async () => {
  await using gateway = await start()
  const { body, jsonBytes } = rawBody()
  const json = new Uint8Array(Buffer.from(oipBody([1, 2])))
  const random = createRandomWhole(7)
  const seen = new Set<number>()
  for (let round = 0; round < 60; round++) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => {
        const isRaw = random(2) === 0
        const changed = (isRaw ? body : json).slice()
        for (let times = 1 + random(3); times > 0; times--) changed[random(changed.length)] = random(256)
        const cut = random(4) === 0 ? changed.slice(0, random(changed.length)) : changed
        return send(gateway, cut, isRaw ? headerOf(random(5) === 0 ? random(2 * jsonBytes) : jsonBytes) : {})
      }),
    )
    for (const { status, code } of answers) {
      seen.add(status)
      // A changed number may be one that the model has no finite answer for.
      expect(status < 500 || code === 'model_failed', `${status} ${code}`).toBe(true)
    }
  }
  expect([...seen]).toEqual(expect.arrayContaining([200, 400]))
  expect((await gateway.infer([1])).status).toBe(200)
})

/** Writes parts one after the other; answers what came back until the server closed, or until it said so much. */
function raw(gateway: TestWorker, parts: readonly string[], until = /\r\n\r\n[^]*\}$/v): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => {
      for (const part of parts) socket.write(part)
    })
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
      if (until.test(text)) socket.destroy()
    })
    socket.on('error', () => undefined).on('close', () => resolve(text))
  })
}
const head = (...lines: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, 'host: localhost', ...lines, '', ''].join('\r\n')

test('a huge body is refused before it is sent', async () => {
  await using gateway = await start()
  const answer = await raw(gateway, [head(`content-length: ${2 ** 30}`), '{"inputs":'])
  expect(answer).toMatch(/^HTTP\/1.1 413 /v)
  expect(answer).toContain('"code":"body_too_large"')
  expect((await gateway.infer([1])).status).toBe(200)
})

test('a caller that asks first is told before it sends', async () => {
  await using gateway = await start()
  const huge = await raw(gateway, [head(`content-length: ${2 ** 30}`, 'expect: 100-continue')])
  expect(huge).toMatch(/^HTTP\/1.1 413 /v)
  expect(huge).toContain('connection: close')
  const body = oipBody([1])
  const asked = await raw(gateway, [head(`content-length: ${body.length}`, 'expect: 100-continue'), body])
  expect(asked).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /v)
})

test('a body without an end is cut off', async () => {
  await using gateway = await start()
  const chunk = `10000\r\n${'x'.repeat(0x1_00_00)}\r\n`
  let isClosed = false
  let text = ''
  await new Promise<void>((resolve) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    const pump = (): void => {
      while (!isClosed && socket.write(chunk));
    }
    socket.on('drain', pump).on('data', (part: Buffer) => (text += part.toString()))
    socket
      .on('error', () => undefined)
      .on('close', () => {
        isClosed = true
        resolve()
      })
    socket.write(head('transfer-encoding: chunked'))
    pump()
  })
  // The refusal is sent; whether it arrives before the reset is the network's luck.
  expect(text === '' || text.startsWith('HTTP/1.1 413 ')).toBe(true)
  expect((await gateway.infer([1])).status).toBe(200)
})

test('what is no HTTP gets an answer that says so', async () => {
  await using gateway = await start()
  const cases = [
    [head(`x-flood: ${'a'.repeat(64 * 1024)}`), 431],
    [head(...Array.from({ length: 5_000 }, (_, at) => `x-${at}: 1`)), 431],
    [head('content-length: 5', 'transfer-encoding: chunked'), 400],
    [head('content-length: 5', 'content-length: 6'), 400],
    [head('content-length: -1'), 400],
    [head('transfer-encoding: chunked') + 'zz\r\n', 400],
    ['\0\0\0\r\n\r\n', 400],
    [`GET ${'/a'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`, 431],
  ] as const
  for (const [text, status] of cases) {
    const answer = await raw(gateway, [text])
    expect([text.slice(0, 60), Number(answer.slice(9, 12))]).toEqual([text.slice(0, 60), status])
    expect(answer).toContain('"code":"request_invalid"')
  }
  expect((await gateway.infer([1])).status).toBe(200)
})

/** Connections that send all but the last byte of 7 MiB; answers what they were told once `refusals` of them were told something. */
async function fillMemory(gateway: TestWorker, connections: number, refusals: number): Promise<string[]> {
  const part = 'x'.repeat(7 * 2 ** 20)
  const answers: string[] = []
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => {
      socket.write(head(`content-length: ${part.length + 1}`))
      socket.write(part)
    })
    return socket
      .setEncoding('latin1')
      .on('error', () => undefined)
      .on('data', (text: string) => answers.push(text))
  })
  for (let waitedMs = 0; answers.length < refusals && waitedMs < 20_000; waitedMs += 20) await sleep(20)
  await sleep(200)
  for (const socket of sockets) socket.resetAndDestroy()
  return answers
}

test('callers who send large bodies and stop cannot fill the memory, and what they held is given back', async () => {
  await using gateway = await start()
  for (let wave = 0; wave < 2; wave++) {
    const answers = await fillMemory(gateway, 40, 3)
    // 36 of them fit.
    expect(answers.length).toBeGreaterThanOrEqual(3)
    expect(answers.length).toBeLessThan(10)
    expect(answers.every((text) => text.startsWith('HTTP/1.1 503 ') && text.includes('"code":"bodies_full"'))).toBe(
      true,
    )
    await sleep(200)
    expect((await gateway.infer([1])).status).toBe(200)
  }
})

test('callers who stop in the middle cost the others nothing', async () => {
  await using gateway = await start()
  const body = oipBody([1])
  const sockets = Array.from({ length: 200 }, () => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () =>
      socket.write(head(`content-length: ${body.length}`) + body.slice(0, 20)),
    )
    return socket.on('error', () => undefined)
  })
  const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await gateway.infer([1])).status))
  expect(new Set(statuses)).toEqual(new Set([200]))
  for (const socket of sockets) socket.resetAndDestroy()
  expect((await gateway.infer([1])).status).toBe(200)
})
