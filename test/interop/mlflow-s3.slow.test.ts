// Where the bytes are in a bucket (moto): stock MLflow's client through the server, in parts too, and links to runs whose root is the bucket.
import { Agent } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runClient } from './mlflow/clients.ts'
import { newestVenv } from './mlflow/environments.ts'
import { send } from './mlflow/http.ts'
import { startTrueloop, type MlflowServer } from './mlflow/servers.ts'
import { credentials, startS3, type S3Server } from './s3-server.ts'

const environment = { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey }
let s3: S3Server
const agent = new Agent()

beforeAll(async () => {
  s3 = await startS3()
  await newestVenv()
}, 900_000)
afterAll(async () => {
  agent.destroy()
  await s3[Symbol.asyncDispose]()
})

test('the client’s parts go into a bucket that the server stores in, and come back', async () => {
  const blobs = await s3.createBucket('blobs')
  await using server = await startTrueloop({ environment: { ...environment, TRUELOOP_BLOBS: blobs } })
  const said = await runClient(server, await newestVenv(), { name: 'artifacts', args: ['64', 'multipart'] })
  expect(said).toContain('done: _try_multipart_upload')
  expect(said).toContain('done: _multipart_download')
})

type Json = any // oxlint-disable-line no-explicit-any -- a test looks at what it expects to be there

async function call(server: MlflowServer, path: string, fields: object): Promise<{ status: number; json: Json }> {
  const headers = { 'content-type': 'application/json' }
  const request = { method: 'POST', path: `/api/2.0/mlflow/${path}`, headers, body: JSON.stringify(fields) }
  const { status, body } = await send(server.url, request, agent)
  return { status, json: JSON.parse(body.toString()) }
}

test('a run and a logged model whose root is a bucket are written and read by links of the bucket', async () => {
  await s3.createBucket('roots')
  await using server = await startTrueloop({
    environment: {
      ...environment,
      MLFLOW_DEFAULT_ARTIFACT_ROOT: 's3://roots/ml',
      MLFLOW_S3_ENDPOINT_URL: s3.endpoint,
    },
  })
  const { json: made } = await call(server, 'experiments/create', { name: 'in a bucket' })
  const { json: started } = await call(server, 'runs/create', { experiment_id: made.experiment_id })
  const { run_id: run, artifact_uri: root } = started.run.info
  expect(root).toMatch(/^s3:\/\/roots\/ml\//v)
  const created = await call(server, 'logged-models', { experiment_id: made.experiment_id, source_run_id: run })
  const { model_id: model, artifact_uri: modelRoot } = created.json.model.info
  for (const [owner, uri] of [
    [{ run_id: run }, root],
    [{ model_id: model }, modelRoot],
  ]) {
    const { status, json: up } = await call(server, 'artifacts/presigned-upload-url', { ...owner, path: 'd/a.json' })
    expect([status, up.headers]).toEqual([200, { 'Content-Type': 'text/plain' }])
    const url = new URL(up.presigned_url)
    expect([url.origin, url.pathname]).toEqual([s3.endpoint, `/${uri.slice('s3://'.length)}/d/a.json`])
    expect((await fetch(url, { method: 'PUT', headers: up.headers, body: '{"a":1}' })).status).toBe(200)
  }
  const asked = { run_id: run, path: 'd/a.json', expiration: 604_800 }
  const { status, json: down } = await call(server, 'artifacts/presigned-download-url', asked)
  expect([status, down.file_size]).toEqual([200, 7])
  expect(new URL(down.presigned_url).searchParams.get('X-Amz-Expires')).toBe('900')
  const got = await fetch(down.presigned_url)
  expect([await got.text(), got.headers.get('content-disposition')]).toEqual(['{"a":1}', 'attachment; filename=a.json'])
  const missing = await call(server, 'artifacts/presigned-download-url', { ...asked, path: 'd/b.json' })
  expect([missing.status, missing.json.error_code]).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
  const outside = await call(server, 'artifacts/presigned-upload-url', { run_id: run, path: '../x' })
  expect([outside.status, outside.json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
})
