// Asking a server that is busy, away, behind a sign-in page, or no MLflow at all.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openRemote, type Credentials, type RemoteMlflow } from './client.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, asked: number) => void

interface Fake extends AsyncDisposable {
  readonly url: string
  readonly asked: IncomingMessage[]
  readonly pauses: number[]
  readonly remote: RemoteMlflow
}

const nobody: Credentials = { token: undefined, user: undefined, password: undefined }

async function fake(answer: Answer, credentials = nobody): Promise<Fake> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    request.resume()
    answer(request, response, asked.length)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const pauses: number[] = []
  const pause = async (ms: number): Promise<void> => void pauses.push(ms)
  const end = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url, asked, pauses, remote: openRemote({ url, credentials, pause }), [Symbol.asyncDispose]: end }
}

const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

const search = ({ remote }: Fake) => remote.call('searchExperiments', { max_results: 5 })

test('a method is called as it is routed, with who asks', async () => {
  await using server = await fake((_, response) => json(response, { experiments: [] }), { ...nobody, token: 't' })
  expect(await search(server)).toEqual({ experiments: [] })
  await server.remote.call('getMetricHistory', { run_id: 'r', metric_key: 'a/b', page_token: undefined })
  await server.remote.call('getDatasetExperimentIds', { dataset_id: 'd-1' })
  expect(server.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /api/2.0/mlflow/experiments/search',
    'GET /api/2.0/mlflow/metrics/get-history?run_id=r&metric_key=a%2Fb',
    'GET /api/3.0/mlflow/datasets/d-1/experiment-ids',
  ])
  expect(server.asked[0]!.headers.authorization).toBe('Bearer t')
})

test('a server that is busy is asked again, later and later, or when it says', async () => {
  await using server = await fake((_, response, asked) => {
    if (asked === 1) response.writeHead(429, { 'retry-after': '7' }).end()
    else if (asked < 4) json(response, {}, 503)
    else json(response, { experiments: [] })
  })
  await search(server)
  expect(server.pauses).toEqual([7000, 1000, 2000])
})

test('a server that stays away is told, after some tries', async () => {
  await using server = await fake((request) => request.socket.destroy())
  await expect(search(server)).rejects.toMatchObject({ code: 'import_unreachable' })
  expect(server.asked).toHaveLength(7)
})

test('an error of one method is what the server says', async () => {
  const said = { error_code: 'ENDPOINT_NOT_FOUND', message: 'no such' }
  await using server = await fake((_, response) => json(response, said, 404))
  await expect(search(server)).rejects.toMatchObject({
    code: 'import_method',
    message: expect.stringMatching(/ENDPOINT_NOT_FOUND: no such/v),
  })
  expect(server.asked).toHaveLength(1)
})

test('who may not read, and a page instead of an API, are told apart', async () => {
  await using closed = await fake((_, response) => json(response, {}, 401))
  await expect(search(closed)).rejects.toMatchObject({
    code: 'import_refused',
    message: expect.stringMatching(/MLFLOW_TRACKING_TOKEN/v),
  })
  await using page = await fake((_, response) => response.end('<!doctype html><p>Sign in'))
  await expect(search(page)).rejects.toMatchObject({
    code: 'import_source',
    message: expect.stringMatching(/a page \(HTML\)/v),
  })
})

test('credentials go to no other host, and within the host a redirect is followed', async () => {
  await using other = await fake((_, response) => json(response, { experiments: [] }))
  await using server = await fake((request, response) => {
    if (request.url!.startsWith('/api')) response.writeHead(307, { location: '/moved' }).end()
    else response.writeHead(307, { location: `${other.url}/api` }).end()
  })
  await expect(search(server)).rejects.toMatchObject({
    code: 'import_source',
    message: expect.stringMatching(new RegExp(other.url, 'v')),
  })
  expect(server.asked).toHaveLength(2)
  expect(other.asked).toHaveLength(0)
})

const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251))

/** Sends the half, then breaks. */
const breakHalf = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-length': bytes.byteLength })
  response.write(bytes.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50))
}

test.each([
  ['with ranges', true],
  ['without', false],
])('a file whose connection breaks goes on where it broke, from a server %s', async (_, hasRanges) => {
  await using server = await fake((request, response, asked) => {
    if (asked === 1) return breakHalf(response)
    const from = hasRanges ? Number(/\d+/v.exec(request.headers.range!)![0]) : 0
    response.writeHead(hasRanges ? 206 : 200).end(bytes.subarray(from))
  })
  const read = Buffer.concat(await Array.fromAsync(server.remote.stream('/get-artifact?path=x')))
  expect(read.equals(bytes)).toBe(true)
  expect(server.asked).toHaveLength(2)
  expect(server.asked.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'identity'])
})

test('what is no address of a server is refused, and its password is not told', () => {
  expect(() => openRemote({ url: 'http://ann:hidden@host/?a=b', credentials: nobody })).toThrow(/^(?!.*hidden)/v)
  for (const url of ['ftp://host', 'http://host/?a=b', 'host']) {
    expect(() => openRemote({ url, credentials: nobody })).toThrow(/is no MLflow server/v)
  }
})
