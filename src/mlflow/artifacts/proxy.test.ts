// The artifact proxy over real sockets: files as streams, parts of files, uploads in parts, links, and all that is refused.
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createExperiment } from '../../experiments/experiments.ts'
import { createLoggedModel } from '../../experiments/logged-models.ts'
import { createRun } from '../../experiments/recording.ts'
import { listAudit } from '../../governance/audit.ts'
import { testActor } from '../../governance/testing.ts'
import { transact } from '../../platform/database.ts'
import type { Answer } from '../testing.ts'
import { createArtifactServer, type ArtifactTestServer } from './testing.ts'

const proxied = '/api/2.0/mlflow-artifacts/artifacts'

type Body = NonNullable<RequestInit['body']>
const put = (home: ArtifactTestServer, path: string, body: Body): Promise<Response> =>
  fetch(`${home.url}${proxied}/${path}`, { method: 'PUT', body, duplex: 'half' } as RequestInit)
const get = (home: ArtifactTestServer, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${home.url}${proxied}/${path}`, init)
/** With the path as it is written: `fetch` would tidy it first. */
async function raw(home: ArtifactTestServer, method: 'DELETE' | 'GET' | 'PUT', url: string): Promise<Answer> {
  const { statusCode, body } = await home.server.inject({ method, url, ...(method === 'PUT' ? { payload: 'x' } : {}) })
  return { status: statusCode, json: body.startsWith('{') ? JSON.parse(body) : body }
}
async function post(home: ArtifactTestServer, path: string, fields: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${home.url}/api/2.0/${path}`, { method: 'POST', headers, body: JSON.stringify(fields) })
  return { status: answer.status, json: await answer.json() }
}

test('a file goes up and comes down as something to keep, and nothing that runs', async () => {
  await using home = await createArtifactServer()
  expect((await put(home, '0/r/artifacts/résumé "1".html', '<script>alert(1)</script>')).status).toBe(200)
  const answer = await get(home, '0/r/artifacts/résumé "1".html')
  expect(await answer.text()).toBe('<script>alert(1)</script>')
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/html',
    'content-length': '25',
    'content-disposition': String.raw`attachment; filename="resume \"1\".html"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%221%22.html`,
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    etag: `"${createHash('sha256').update('<script>alert(1)</script>').digest('hex')}"`,
  })
  await put(home, '0/r/artifacts/empty.bin', '')
  const empty = await get(home, '0/r/artifacts/empty.bin')
  expect([empty.status, empty.headers.get('content-length'), await empty.text()]).toEqual([200, '0', ''])
})

test('parts of a file, conditions and HEAD are as HTTP has them', async () => {
  await using home = await createArtifactServer()
  await put(home, '0/r/artifacts/a.txt', '0123456789')
  const part = async (headers: Record<string, string>): Promise<[number, string, string | null]> => {
    const answer = await get(home, '0/r/artifacts/a.txt', { headers })
    return [answer.status, await answer.text(), answer.headers.get('content-range')]
  }
  const etag = (await get(home, '0/r/artifacts/a.txt')).headers.get('etag') ?? ''
  expect(await part({ range: 'bytes=2-4' })).toEqual([206, '234', 'bytes 2-4/10'])
  expect(await part({ range: 'bytes=7-' })).toEqual([206, '789', 'bytes 7-9/10'])
  expect(await part({ range: 'bytes=-3' })).toEqual([206, '789', 'bytes 7-9/10'])
  expect(await part({ range: 'bytes=-99' })).toEqual([206, '0123456789', 'bytes 0-9/10'])
  expect(await part({ range: 'bytes=5-99' })).toEqual([206, '56789', 'bytes 5-9/10'])
  expect(await part({ range: 'bytes=10-' })).toEqual([416, '', 'bytes */10'])
  expect(await part({ range: 'bytes=-0' })).toEqual([416, '', 'bytes */10'])
  for (const range of ['bytes=4-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=', 'bytes=a-b'])
    expect(await part({ range })).toEqual([200, '0123456789', null])
  expect(await part({ range: 'bytes=2-4', 'if-range': etag })).toEqual([206, '234', 'bytes 2-4/10'])
  expect(await part({ range: 'bytes=2-4', 'if-range': '"another"' })).toEqual([200, '0123456789', null])
  expect((await part({ 'if-none-match': `"x", ${etag}` }))[0]).toBe(304)
  const head = await get(home, '0/r/artifacts/a.txt', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
})

test('many uploads at a time, without a length, are each what was sent', async () => {
  await using home = await createArtifactServer()
  const sent = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const chunk = new Uint8Array(64 * 1024).fill(at)
      const body = new ReadableStream({
        async start(controller) {
          for (let sent = 0; sent < 10; sent++) controller.enqueue(chunk)
          controller.close()
        },
      })
      return put(home, `0/r/artifacts/many/${at}`, body)
    }),
  )
  expect(sent.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200))
  const seventh = new Uint8Array(await (await get(home, '0/r/artifacts/many/7')).arrayBuffer())
  expect(seventh).toEqual(new Uint8Array(640 * 1024).fill(7))
})

test('an upload that breaks off leaves nothing, and the server goes on', async () => {
  await using home = await createArtifactServer()
  const { hostname, port } = new URL(home.url)
  const upload = httpRequest({
    hostname,
    port,
    method: 'PUT',
    path: `${proxied}/0/r/artifacts/half`,
    headers: { 'content-length': 1_000_000 },
  })
  upload.on('error', () => undefined)
  upload.write(new Uint8Array(500_000))
  await sleep(100)
  upload.destroy()
  const temporary = join(home.folder, 'blobs', 'tmp')
  await expect.poll(() => readdir(temporary)).toEqual([])
  expect((await get(home, '0/r/artifacts/half')).status).toBe(404)
  expect((await put(home, '0/r/artifacts/half', 'whole')).status).toBe(200)
})

test('a refusal is heard while the client still sends, and the connection can be used again', async () => {
  await using home = await createArtifactServer()
  const answer = await put(home, '0/r/artifacts/a%5Cb', new Uint8Array(20_000_000))
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ error_code: 'INVALID_PARAMETER_VALUE', message: 'Invalid path' })
  expect((await put(home, '0/r/artifacts/ab', 'x')).status).toBe(200)
})

test.each([
  '..%2f..%2fsecret',
  '%252e%252e/x',
  'a%00b',
  'a%5cb',
  'a%23b',
  '%2fetc/passwd',
  'file:%2f%2f/etc',
  'C:/x',
  'a/',
  '',
])('the path %s is refused by every method, and nothing is told of it', async (path) => {
  await using home = await createArtifactServer()
  for (const method of ['PUT', 'DELETE'] as const) {
    const answer = await raw(home, method, `${proxied}/${path}`)
    const isDirectory = method === 'DELETE' && path === 'a/'
    expect(answer.status).toBe(isDirectory ? 200 : 400)
  }
  const read = await raw(home, 'GET', `${proxied}/${path}`)
  expect([400, 404]).toContain(read.status)
  expect(await raw(home, 'GET', `${proxied}?path=${path}`)).toMatchObject({
    status: path === 'a/' || path === '' ? 200 : 400,
  })
})

test('what is not there, and what is a directory, is said in MLflow’s words', async () => {
  await using home = await createArtifactServer()
  await put(home, '0/r/artifacts/d/b', 'x')
  const words = async (path: string) => (await raw(home, 'GET', `${proxied}/${path}`)).json as object
  expect(await words('0/r/artifacts/none')).toMatchObject({
    error_code: 'RESOURCE_DOES_NOT_EXIST',
    message: "No such artifact: '0/r/artifacts/none'",
  })
  expect(await words('0/r/artifacts/d')).toMatchObject({
    error_code: 'INVALID_PARAMETER_VALUE',
    message: "Artifact path refers to a directory, not a file: '0/r/artifacts/d'",
  })
})

test('a directory is listed with names, and a run’s with paths below its root', async () => {
  await using home = await createArtifactServer()
  const run = await home.createRun()
  for (const path of ['a.txt', 'd/b.json', 'd/empty'])
    await put(home, `0/${run}/artifacts/${path}`, path === 'd/empty' ? '' : 'xy')
  const list = async (url: string): Promise<unknown> => (await raw(home, 'GET', url)).json
  expect(await list(`${proxied}?path=0/${run}/artifacts`)).toEqual({
    files: [
      { path: 'a.txt', is_dir: false, file_size: 2 },
      { path: 'd', is_dir: true },
    ],
  })
  const root_uri = `mlflow-artifacts:/0/${run}/artifacts`
  const ofRun = '/api/2.0/mlflow/artifacts/list'
  expect(await list(`${ofRun}?run_id=${run}&path=d`)).toEqual({
    root_uri,
    files: [
      { path: 'd/b.json', is_dir: false, file_size: 2 },
      { path: 'd/empty', is_dir: false },
    ],
  })
  for (const path of ['none', 'a.txt'])
    expect(await list(`${ofRun}?run_uuid=${run}&path=${path}`)).toEqual({ root_uri })
  expect((await raw(home, 'GET', `${ofRun}?run_id=nope`)).json).toMatchObject({ error_code: 'RESOURCE_DOES_NOT_EXIST' })
  expect((await raw(home, 'GET', `${ofRun}?run_id=${run}&path=..`)).status).toBe(400)
  expect((await raw(home, 'DELETE', `${proxied}/0/${run}/artifacts/d`)).json).toEqual({})
  expect(await list(`${ofRun}?run_id=${run}`)).toEqual({
    root_uri,
    files: [{ path: 'a.txt', is_dir: false, file_size: 2 }],
  })
  expect(await listAudit(home.db, { subject: `artifact:0/${run}/artifacts/d`, limit: 5 })).toHaveLength(1)
})

test('the console reads a file of a run, and writes a small one', async () => {
  await using home = await createArtifactServer()
  const run = await home.createRun()
  const upload = (query: string, body: Body | null): Promise<Response> =>
    fetch(`${home.url}/ajax-api/2.0/mlflow/upload-artifact?${query}`, { method: 'POST', body })
  const told = async (answer: Promise<Response>): Promise<unknown> =>
    ((await (await answer).json()) as { message: string }).message
  expect((await upload(`run_uuid=${run}&path=u/v.txt`, 'up')).status).toBe(200)
  expect(await told(upload(`run_uuid=${run}&path=u/v.txt`, null))).toBe('Request must specify data.')
  expect(await told(upload('path=u/v.txt', 'x'))).toBe('Request must specify run_uuid.')
  expect(await told(upload(`run_uuid=${run}`, 'x'))).toBe('Request must specify path.')
  const large = 'Artifact size is too large. Max size is 10MB.'
  expect(await told(upload(`run_uuid=${run}&path=x`, new Uint8Array(10 * 1024 * 1024 + 1)))).toBe(large)
  expect(await told(upload(`run_uuid=${run}&path=../x`, 'x'))).toBe('Invalid path')
  const file = await fetch(`${home.url}/get-artifact?run_id=${run}&path=u/v.txt`)
  expect([file.headers.get('content-disposition'), await file.text()]).toEqual(['attachment; filename=v.txt', 'up'])
  expect((await fetch(`${home.url}/get-artifact?run_uuid=${run}&path=u`)).status).toBe(400)
  expect((await fetch(`${home.url}/get-artifact?run_id=nope&path=u`)).status).toBe(404)
  expect((await fetch(`${home.url}/get-artifact?run_id=${run}`)).status).toBe(400)
})

test('an upload in parts goes by links, each good for its part until it expires', async () => {
  await using home = await createArtifactServer()
  const begun = await post(home, 'mlflow-artifacts/mpu/create/0/r/artifacts/models', {
    path: '/tmp/x/model.bin',
    num_parts: 2,
  })
  const { upload_id, credentials } = begun.json as {
    upload_id: string
    credentials: { url: string; part_number: number }[]
  }
  expect(credentials.map(({ part_number }) => part_number)).toEqual([1, 2])
  const [first, second] = credentials.map(({ url }) => url) as [string, string]
  const send = (url: string, body: string): Promise<Response> => fetch(url, { method: 'PUT', body })
  const etags = await Promise.all(
    [send(first, 'hello '), send(second, 'world')].map(async (sent) => (await sent).headers.get('etag')),
  )
  const changed = [
    first.replace('/1?', '/2?'),
    first.replace(/expires=\d+/v, 'expires=9999999999999'),
    first.replace(/&signature.*/v, ''),
  ]
  for (const url of changed) expect((await send(url, 'evil')).status).toBe(403)
  expect((await fetch(first.replace('/links/part/', '/links/read/'))).status).toBe(403)
  const parts = etags.map((etag, index) => ({ part_number: index + 1, etag, url: credentials[index]!.url }))
  const complete = { path: 'model.bin', upload_id, parts }
  expect(await post(home, 'mlflow-artifacts/mpu/complete/0/r/artifacts/models', complete)).toEqual({
    status: 200,
    json: {},
  })
  expect(await (await get(home, '0/r/artifacts/models/model.bin')).text()).toBe('hello world')
  const next = await post(home, 'mlflow-artifacts/mpu/create/0/r/artifacts', { path: 'other' })
  home.clock.aheadMs = 25 * 3_600_000
  expect((await send((next.json as typeof begun.json).credentials[0].url, 'late')).status).toBe(403)
  const abort = { path: 'other', upload_id: (next.json as { upload_id: string }).upload_id }
  expect(await post(home, 'mlflow-artifacts/mpu/abort/0/r/artifacts', abort)).toEqual({ status: 200, json: {} })
  for (const num_parts of [0, 10_001])
    expect((await post(home, 'mlflow-artifacts/mpu/create/0/r/artifacts', { path: 'x', num_parts })).status).toBe(400)
})

test('a link reads or writes one file', async () => {
  await using home = await createArtifactServer()
  const run = await home.createRun()
  const up = await post(home, 'mlflow/artifacts/presigned-upload-url', { run_id: run, path: 'd/a b.txt' })
  const { presigned_url } = up.json as { presigned_url: string }
  expect((await fetch(presigned_url, { method: 'PUT', body: 'content' })).status).toBe(200)
  const down = await post(home, 'mlflow/artifacts/presigned-download-url', {
    run_id: run,
    path: 'd/a b.txt',
    expiration: 60,
  })
  const link = down.json as { presigned_url: string; file_size: number }
  expect(link.file_size).toBe(7)
  const part = await fetch(link.presigned_url, { headers: { range: 'bytes=1-2' } })
  expect([part.status, await part.text()]).toEqual([206, 'on'])
  const other = (await raw(home, 'GET', `/api/2.0/mlflow-artifacts/presigned/0/${run}/artifacts/d/a b.txt`)).json as {
    url: string
  }
  expect(other.url).toContain('/links/read/')
  home.clock.aheadMs = 61_000
  expect((await fetch(link.presigned_url)).status).toBe(403)
  // Who does not say how long it is to live gets what the server is set to: five minutes here.
  const untold = await post(home, 'mlflow/artifacts/presigned-download-url', { run_id: run, path: 'd/a b.txt' })
  const url = (untold.json as typeof link).presigned_url
  home.clock.aheadMs += 299_000
  expect((await fetch(url)).status).toBe(200)
  home.clock.aheadMs += 2_000
  expect((await fetch(url)).status).toBe(403)
  const wrong = { run_id: run, path: 'x', expiration: 0 }
  expect((await post(home, 'mlflow/artifacts/presigned-download-url', wrong)).json.message).toBe(
    'expiration must be between 1 and 604800 seconds (got 0).',
  )
})

test('a step’s token writes its own run’s files, and those of models beside it', async () => {
  await using home = await createArtifactServer({ scope: 'run_own' })
  await home.createRun('run_own')
  const other = await home.createRun()
  const statusOf = async (path: string): Promise<number> => (await put(home, path, 'x')).status
  expect(await statusOf('0/run_own/artifacts/a')).toBe(200)
  expect(await statusOf('0/models/m-1/artifacts/MLmodel')).toBe(200)
  for (const path of [
    `0/${other}/artifacts/a`,
    '0/nobody/artifacts/a',
    '1/models/m-1/artifacts/MLmodel',
    'a',
    '0/run_own/b',
  ])
    expect(await statusOf(path)).toBe(403)
  expect((await raw(home, 'DELETE', `${proxied}/0`)).status).toBe(403)
  expect((await raw(home, 'DELETE', `${proxied}/0/run_own/artifacts/a`)).status).toBe(200)
  const begin = (run: string) => post(home, `mlflow-artifacts/mpu/create/0/${run}/artifacts`, { path: 'x' })
  expect([(await begin('run_own')).status, (await begin(other)).status]).toEqual([200, 403])
  const link = (run: string) => post(home, 'mlflow/artifacts/presigned-upload-url', { run_id: run, path: 'x' })
  expect([(await link('run_own')).status, (await link(other)).status]).toEqual([200, 403])
})

test('a step’s token gets links into a bucket for its own run, and models beside it', async () => {
  await using home = await createArtifactServer({ scope: 'run_own' })
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
  onTestFinished(() => void vi.unstubAllEnvs())
  const begin = (name: string) =>
    transact(home.db, async (trx) => {
      const made = await createExperiment(trx, testActor(), { name, artifactLocation: `s3://bucket/${name}` })
      const run = await createRun(trx, testActor(), { experiment: made.id, id: `run_${name}` })
      const model = await createLoggedModel(trx, testActor(), { experimentId: made.id })
      return [{ run_id: run }, { model_id: model.id }]
    })
  const statusOf = async (owner: object): Promise<number> =>
    (await post(home, 'mlflow/artifacts/presigned-upload-url', { ...owner, path: 'x' })).status
  expect(await Promise.all((await begin('own')).map(statusOf))).toEqual([200, 200])
  expect(await Promise.all((await begin('other')).map(statusOf))).toEqual([403, 403])
})
