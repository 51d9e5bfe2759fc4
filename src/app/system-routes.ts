// Routes about the program itself: health, audit log, lineage, stored objects, snapshots of the metadata.
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { Digest } from '../data/manifest.ts'
import { snapshotFilesMax } from '../experiments/snapshot.ts'
import { actorOf } from '../governance/access.ts'
import { listAudit, recordAudit, type AuditTables } from '../governance/audit.ts'
import { downstream, parseLineageNode, upstream, type LineageTables } from '../governance/lineage.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { databaseKind, transact, type Connection } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { snapshotMetadata } from './snapshot.ts'

export interface SystemDeps {
  readonly db: Connection<AuditTables & LineageTables>
  readonly blobs: BlobStore
  readonly home: string
  /** URL of the metadata database. */
  readonly database: string
  readonly version: string
  readonly startedAtMs: number
}

/** Of an uploaded object: as much as the largest model that is served. */
const uploadBytesMax = 512 * 1024 * 1024
const auditEventsMax = 1_000
const AuditEvent = z.object({
  id: z.string(),
  atMs: z.int(),
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  detail: z.unknown(),
})
const Edge = z.object({ upstream: z.string(), downstream: z.string(), relation: z.string(), atMs: z.int() })
const Status = z.object({
  version: z.string(),
  home: z.string(),
  database: z.enum(['sqlite', 'postgres']),
  pid: z.int(),
  startedAtMs: z.int(),
  residentBytes: z.int(),
})

const auditQuery = z.object({
  subject: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(auditEventsMax).default(100),
})
const lineageQuery = z.object({ node: z.string(), direction: z.enum(['upstream', 'downstream']).default('upstream') })

export const systemRoutes: FastifyPluginAsyncZod<SystemDeps> = async (server, deps) => {
  const health = {
    schema: { response: { 200: z.object({ ready: z.boolean() }) } },
    config: { permission: 'public' },
  } as const
  server.get('/health', health, async () => ({ ready: true }))

  const openapi = { schema: { hide: true, response: { 200: z.unknown() } }, config: { permission: 'public' } } as const
  server.get('/openapi.json', openapi, async () => server.swagger())

  server.get('/system', { schema: { response: { 200: Status } }, config: { permission: 'system.read' } }, async () => ({
    version: deps.version,
    home: deps.home,
    database: databaseKind(deps.db),
    pid: process.pid,
    startedAtMs: deps.startedAtMs,
    residentBytes: process.memoryUsage.rss(),
  }))

  const snapshot = {
    schema: { response: { 200: z.object({ path: z.string() }) } },
    config: { permission: 'system.manage' },
  } as const
  server.post('/system/snapshots', snapshot, async (request) => {
    const actor = actorOf(request)
    const path = join(deps.home, 'snapshots', `${actor.ids('snap')}.sqlite`)
    await snapshotMetadata(deps.database, path)
    await transact(deps.db, (trx) => recordAudit(trx, actor, { action: 'system.snapshot', subject: path, detail: {} }))
    return { path }
  })

  await server.register(recordRoutes, deps)
  await server.register(uploadRoutes, deps)
}

/** Bytes from outside, kept under their digest until something names them: a graph to propose or to register, a file of a loop's code. */
const uploadRoutes: FastifyPluginAsyncZod<SystemDeps> = async (server, { blobs }) => {
  server.removeAllContentTypeParsers()
  // Not read into memory: the route stores what comes as it comes.
  server.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
  const upload = {
    schema: { response: { 201: z.object({ digest: Digest, bytes: z.int() }) } },
    config: { permission: 'model.write' },
  } as const
  server.post('/blobs', upload, async (request, reply) => {
    const { body, headers } = request
    if (Number(headers['content-length'] ?? 0) > uploadBytesMax) throw uploadTooLarge(reply)
    if (!(body instanceof Readable)) throw uploadEmpty()
    try {
      const stored = await blobs.put(bounded(body, () => uploadTooLarge(reply)))
      return await reply.code(201).send(stored)
    } catch (error) {
      body.resume() // Read to its end, or the next request on this connection waits behind what is left.
      throw error
    }
  })
}

async function* bounded(body: Readable, tooLarge: () => DomainError): AsyncIterable<Uint8Array> {
  let bytes = 0
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    const part = chunk as Uint8Array
    bytes += part.byteLength
    if (bytes > uploadBytesMax) throw tooLarge()
    yield part
  }
  if (bytes === 0) throw uploadEmpty()
}

const uploadEmpty = (): DomainError =>
  new DomainError('invalid', 'blob_empty', 'nothing was uploaded: send the bytes as application/octet-stream')

function uploadTooLarge(reply: FastifyReply): DomainError {
  // The rest is not read, so nothing more can come on this connection.
  void reply.header('connection', 'close')
  return new DomainError('too_large', 'blob_too_large', `an uploaded object has at most ${uploadBytesMax} bytes`)
}

/** Of one question: as many as a code snapshot has files, and its manifest. */
const digestsMax = snapshotFilesMax + 1
const askedAtOnce = 64

/** In the order of the question; what is there stays there long enough to be named. */
async function missingOf(blobs: BlobStore, digests: readonly string[]): Promise<string[]> {
  const missing: string[] = []
  for (let at = 0; at < digests.length; at += askedAtOnce) {
    const some = digests.slice(at, at + askedAtOnce)
    const stored = await Promise.all(some.map((digest) => blobs.renew(digest)))
    missing.push(...some.filter((_, index) => !stored[index]))
  }
  return missing
}

/** What is on record: the audit log, the lineage graph, stored objects. */
const recordRoutes: FastifyPluginAsyncZod<SystemDeps> = async (server, { db, blobs }) => {
  server.get(
    '/audit',
    {
      schema: { querystring: auditQuery, response: { 200: z.array(AuditEvent) } },
      config: { permission: 'audit.read' },
    },
    ({ query }) => listAudit(db, query),
  )

  server.get(
    '/lineage',
    { schema: { querystring: lineageQuery, response: { 200: z.array(Edge) } }, config: { permission: 'lineage.read' } },
    ({ query }) => (query.direction === 'upstream' ? upstream : downstream)(db, parseLineageNode(query.node)),
  )

  // Asked with a body: a URL has no room for twenty thousand digests.
  const question = z.strictObject({ digests: z.array(Digest).max(digestsMax) })
  const answer = { 200: z.object({ missing: z.array(Digest) }) }
  const ask = { schema: { body: question, response: answer }, config: { permission: 'data.read' } } as const
  server.post('/blobs/missing', ask, async ({ body }) => ({ missing: await missingOf(blobs, body.digests) }))

  const blob = { schema: { params: z.object({ digest: Digest }) }, config: { permission: 'data.read' } } as const
  server.get('/blobs/:digest', blob, async ({ params }, reply) => {
    if (!(await blobs.has(params.digest)))
      throw new DomainError('not_found', 'blob_not_found', `there is no object ${params.digest}`)
    void reply.header('content-type', 'application/octet-stream').header('content-disposition', 'attachment')
    return reply.send(Readable.from(blobs.stream(params.digest)))
  })
}
