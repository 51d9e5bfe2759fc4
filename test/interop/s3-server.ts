// A real S3 server for tests: moto, from Python's package index, in memory.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import { ensureVenv } from './venv.ts'

const startTriesMax = 150
const startPollMs = 200
/** It takes any. */
export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  readonly client: S3Client
  /** Answers its URL, as the setting TRUELOOP_BLOBS takes it. */
  createBucket(name: string): Promise<string>
}

/** Takes minutes when the Python environment has to be made first. */
export async function startS3(): Promise<S3Server> {
  const venv = await ensureVenv(['moto[server]==5.2.5'])
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const server = spawn(venv.bin('moto_server'), ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
  const ended = once(server, 'exit')
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  const end = async (): Promise<void> => {
    client.destroy()
    server.kill()
    await ended
  }
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${endpoint}/moto-api/`).catch(() => undefined)
    if (answer?.ok) break
    if (tries > startTriesMax) {
      await end()
      throw new Error('moto_server did not start')
    }
    await wait(startPollMs)
  }
  return {
    endpoint,
    client,
    async createBucket(name) {
      await client.send(new CreateBucketCommand({ Bucket: name }))
      return `s3://${name}?endpoint=${endpoint}&region=us-east-1`
    },
    [Symbol.asyncDispose]: end,
  }
}
