// Uploads over HTTP: bytes in, their digest out, within limits, and never as anything but octets.
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { createClient } from '../client/http-client.ts'
import type { AuditTables } from '../governance/audit.ts'
import type { LineageTables } from '../governance/lineage.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { createTestServer } from '../governance/testing.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { systemRoutes, type SystemDeps } from './system-routes.ts'

const stack = new AsyncDisposableStack()
const home = mkdtempSync(join(tmpdir(), 'trueloop-uploads-'))
const blobs = openDirectoryBlobs(join(home, 'blobs'))
let deps: SystemDeps

beforeAll(async () => {
  const db = stack.use(await createTestDatabase<AuditTables & LineageTables>(governanceMigrations))
  deps = { db, blobs, home, database: '', version: '0.0.0', startedAtMs: 0 }
})
afterAll(async () => {
  await stack.disposeAsync()
  rmSync(home, { recursive: true, force: true })
})

const octets = { 'content-type': 'application/octet-stream' }
const url = '/blobs'

test('uploaded bytes are stored under their digest, once', async () => {
  await using server = await createTestServer(systemRoutes, deps)
  const payload = Buffer.alloc(20_000_000, 'graph')
  const digest = createHash('sha256').update(payload).digest('hex')
  for (let time = 0; time < 2; time++) {
    const answer = await server.inject({ method: 'POST', url, headers: octets, payload })
    expect([answer.statusCode, answer.json()]).toEqual([201, { digest, bytes: payload.length }])
  }
  expect(Buffer.from(await blobs.get(digest)).equals(payload)).toBe(true)
})

test('nothing, JSON and callers without the permission are refused', async () => {
  await using server = await createTestServer(systemRoutes, deps)
  const empty = await server.inject({ method: 'POST', url, headers: octets, payload: '' })
  expect(empty.json()).toMatchObject({ status: 400, code: 'blob_empty' })
  expect((await server.inject({ method: 'POST', url })).json()).toMatchObject({ status: 400, code: 'blob_empty' })
  expect((await server.inject({ method: 'POST', url, payload: { a: 1 } })).statusCode).toBe(415)
  await using reader = await createTestServer(systemRoutes, deps, { permissions: ['data.read'] })
  const refused = await reader.inject({ method: 'POST', url, headers: octets, payload: 'x' })
  expect(refused.json()).toMatchObject({ status: 403, code: 'permission_missing' })
})

test('an upload that says it is too large is refused before it comes, and leaves nothing', async () => {
  await using server = await createTestServer(systemRoutes, deps)
  const address = new URL(url, await server.listen({ host: '127.0.0.1', port: 0 }))
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { ...octets, 'content-length': 512 * 1024 * 1024 + 1 }
    const call = request(address, { method: 'POST', headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
      call.destroy()
    })
    call.on('error', reject)
    call.write('x')
  })
  expect(status).toBe(413)
  expect(readdirSync(join(home, 'blobs', 'tmp'))).toEqual([])
})

test('the client sends bytes as they are', async () => {
  const underPrefix: FastifyPluginAsyncZod<SystemDeps> = async (server, options) => {
    await server.register(
      async (api) => {
        await api.register(systemRoutes, options)
      },
      { prefix: '/api' },
    )
  }
  await using server = await createTestServer(underPrefix, deps)
  const client = createClient({ url: await server.listen({ host: '127.0.0.1', port: 0 }) })
  const answer = z.object({ digest: z.string() })
  const { digest } = await client.call({ method: 'POST', path: '/blobs', bytes: Uint8Array.of(1, 0, 255), answer })
  expect([...(await blobs.get(digest))]).toEqual([1, 0, 255])
})

test('of many digests those that are not stored are told, so that a sender sends no more than these', async () => {
  await using server = await createTestServer(systemRoutes, deps)
  const { digest } = await blobs.put(Buffer.from('stored'))
  const absent = Array.from({ length: 100 }, (_, at) => at.toString(16).padStart(64, '0'))
  const ask = (digests: readonly string[]) =>
    server.inject({ method: 'POST', url: '/blobs/missing', payload: { digests } })
  expect((await ask([...absent, digest])).json()).toEqual({ missing: absent })
  expect((await ask(['../../etc/passwd'])).json()).toMatchObject({ status: 400, code: 'request_invalid' })
  expect((await ask(Array.from({ length: 20_002 }, () => digest))).statusCode).toBe(400)
  await using other = await createTestServer(systemRoutes, deps, { permissions: ['model.write'] })
  const refused = await other.inject({ method: 'POST', url: '/blobs/missing', payload: { digests: [] } })
  expect(refused.json()).toMatchObject({ status: 403, code: 'permission_missing' })
})
