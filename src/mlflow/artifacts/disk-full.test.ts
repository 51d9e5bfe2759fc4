// A disk that fills up during an upload: the client hears so, nothing is left of it, and what fits is stored.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mountSmallDisk } from '../../platform/testing-disk.ts'
import { createArtifactServer } from './testing.ts'

test('an upload to a full disk is answered with 507 and leaves nothing; a smaller one is stored', async (context) => {
  await using disk = await mountSmallDisk(4)
  if (!disk) return context.skip('no right to mount a small disk here: run as root to have this tested')
  await using home = await createArtifactServer({ storage: disk.path })
  const put = (url: string, bytes: number): Promise<Response> =>
    fetch(url, { method: 'PUT', body: new Uint8Array(bytes).fill(bytes) })
  const place = `${home.url}/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts`
  const full = await put(`${place}/large`, 8_000_000)
  expect(full.status).toBe(507)
  expect(await full.json()).toMatchObject({
    error_code: 'TEMPORARILY_UNAVAILABLE',
    message: expect.stringContaining('is full') as string,
  })
  expect(await readdir(join(disk.path, 'blobs', 'tmp'))).toEqual([])
  expect((await fetch(`${place}/large`)).status).toBe(404)
  expect((await put(`${place}/small`, 1_000_000)).status).toBe(200)

  const begin = await fetch(`${home.url}/api/2.0/mlflow-artifacts/mpu/create/0/r/artifacts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ path: 'parts', num_parts: 2 }),
  })
  const { upload_id, credentials } = (await begin.json()) as { upload_id: string; credentials: { url: string }[] }
  expect((await put(credentials[0]!.url, 8_000_000)).status).toBe(507)
  expect(await readdir(join(disk.path, 'uploads', upload_id, 'tmp'))).toEqual([])
  expect((await put(credentials[0]!.url, 1_000_000)).status).toBe(200)
})
