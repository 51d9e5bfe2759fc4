// The loop journey once more, with the metadata in a real PostgreSQL and the blobs on a real S3 server (moto).
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import startPostgres from '../postgres.setup.ts'
import { testLoopJourney } from '../journeys/loop-journey.ts'
import { ensureVenv } from './venv.ts'

const startTriesMax = 150
const startPollMs = 200
const bucket = 'journey'
const credentials = { accessKeyId: 'x', secretAccessKey: 'x' }

let stopPostgres: (() => Promise<void>) | undefined
let s3: ChildProcess | undefined
let client: S3Client
let endpoint: string

beforeAll(async () => {
  // What the processes of the home inherit: moto takes any.
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  stopPostgres = await startPostgres()
  const venv = await ensureVenv(['moto[server]==5.2.5'])
  endpoint = `http://127.0.0.1:${await freePort()}`
  s3 = spawn(venv.bin('moto_server'), ['-H', '127.0.0.1', '-p', new URL(endpoint).port], { stdio: 'ignore' })
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${endpoint}/moto-api/`).catch(() => undefined)
    if (answer?.ok) break
    if (tries > startTriesMax) throw new Error('moto_server did not start')
    await wait(startPollMs)
  }
  client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
}, 600_000)

afterAll(async () => {
  client?.destroy()
  s3?.kill()
  await stopPostgres?.()
}, 60_000)

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

testLoopJourney(() => ({
  TRUELOOP_DATABASE: process.env['TRUELOOP_TEST_POSTGRES'],
  TRUELOOP_BLOBS: `s3://${bucket}/home?endpoint=${endpoint}&region=us-east-1`,
}))

test('all of it lay in the bucket', async () => {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'home/' }))
  expect(Contents.length, 'manifests, parts, models, baselines and examples of two versions').toBeGreaterThan(10)
})
