// An MLflow whose artifacts lie in buckets: copied from the one that can be read, and told to stay in the other.
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createStockDatabase } from '../../src/mlflow/export/database.ts'
import { startTrueloop } from './mlflow/servers.ts'
import { credentials, startS3 } from './s3-server.ts'

const program = join(import.meta.dirname, '../../bin/trueloop.cjs')
const [near, far] = ['a'.repeat(32), 'b'.repeat(32)]

const runAt = (id: string, uri: string) => ({
  run_uuid: id,
  name: id,
  source_type: 'LOCAL',
  user_id: 'ann',
  status: 'FINISHED',
  start_time: 1,
  lifecycle_stage: 'active',
  artifact_uri: uri,
  experiment_id: 7,
})

test('files of a bucket that can be read come over, and of another they stay', async () => {
  await using s3 = await startS3()
  await s3.createBucket('near')
  for (const [key, body] of [
    [`team/7/${near}/artifacts/a.txt`, 'a'],
    [`team/7/${near}/artifacts/model/weights.bin`, 'x'.repeat(100_000)],
    [`team/7/${near}/artifacts-not-mine/b.txt`, 'b'],
  ] as const)
    await s3.client.send(new PutObjectCommand({ Bucket: 'near', Key: key, Body: body }))
  const environment = {
    MLFLOW_S3_ENDPOINT_URL: s3.endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }
  await using trueloop = await startTrueloop({
    environment,
    async prepare(env) {
      const path = join(env['TRUELOOP_HOME']!, 'source.db')
      {
        using stock = createStockDatabase(path)
        const experiment = { experiment_id: 7, name: 'seven', lifecycle_stage: 'active', creation_time: 1 }
        stock.insert('experiments', [{ ...experiment, artifact_location: 's3://near/team/7', last_update_time: 1 }])
        stock.insert('runs', [
          runAt(near, `s3://near/team/7/${near}/artifacts`),
          runAt(far, `s3://far/7/${far}/artifacts`),
        ])
      }
      const args = [program, 'import', 'mlflow', path]
      const { stdout } = await promisify(execFile)(process.execPath, args, { env })
      expect(stdout).toMatch(/^files +2$/mv)
      expect(stdout).toMatch(/^bytes +100001$/mv)
      expect(stdout).toContain('Files in the bucket far stay there')
      expect(stdout).not.toContain('Files in the bucket near')
    },
  })
  const uriOf = async (id: string): Promise<unknown> => {
    const answer = await fetch(`${trueloop.url}/api/2.0/mlflow/runs/get?run_id=${id}`)
    return ((await answer.json()) as { run: { info: { artifact_uri: string } } }).run.info.artifact_uri
  }
  expect(await uriOf(near)).toBe(`mlflow-artifacts:/7/${near}/artifacts`)
  expect(await uriOf(far)).toBe(`s3://far/7/${far}/artifacts`)
  const read = await fetch(`${trueloop.url}/get-artifact?run_id=${near}&path=model/weights.bin`)
  expect(await read.text()).toBe('x'.repeat(100_000))
}, 900_000)
