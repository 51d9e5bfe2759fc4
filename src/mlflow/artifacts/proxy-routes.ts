// The artifact proxy: files of the tree up and down as streams, by their path or by a link that carries its own permission.
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { assertLink } from '../../artifacts/artifact-link.ts'
import { artifactRepository, type ArtifactRepository } from '../../artifacts/artifact-repository.ts'
import { assertWritesArtifact } from '../../experiments/artifact-scope.ts'
import { storePart } from '../../artifacts/artifact-upload.ts'
import { readArtifactPath, writableArtifactPath } from '../../artifacts/artifact.ts'
import { callerOf } from '../../governance/access.ts'
import type { Log } from '../../platform/log.ts'
import { answerErrors } from '../server.ts'
import type { ArtifactDeps } from './deps.ts'
import { linkPaths, type LinkPath } from './links.ts'
import { receive, takeStreams } from './receiving.ts'
import { sendFile } from './sending.ts'

const prefixes = ['/api', '/ajax-api']

const pathOf = (request: FastifyRequest): string => (request.params as { '*': string })['*']

export const artifactProxyRoutes: FastifyPluginAsync<ArtifactDeps & { log: Log }> = async (server, deps) => {
  answerErrors(server, deps.log)
  takeStreams(server)
  const tree = artifactRepository(deps, 'mlflow-artifacts:/')
  for (const prefix of prefixes) {
    const url = `${prefix}/2.0/mlflow-artifacts/artifacts/*`
    server.route({
      method: ['GET', 'HEAD'],
      url,
      schema: { hide: true },
      config: { permission: 'run.read' },
      handler: async (request, reply) => sendFile(request, reply, await tree.open(readArtifactPath(pathOf(request)))),
    })
    server.put(
      url,
      { schema: { hide: true }, config: { permission: 'run.write', isStreamed: true } },
      async (request, reply) => {
        await receive(request, async (body) => {
          const path = writableArtifactPath(pathOf(request))
          await assertWritesArtifact(deps.db, callerOf(request), path)
          await tree.store(path, body)
        })
        return reply.send()
      },
    )
  }
  linkRoutes(server, deps, tree)
}

/** The signature is the permission, so these routes need no other. */
function linkRoutes(server: FastifyInstance, deps: ArtifactDeps, tree: ArtifactRepository): void {
  const route = { schema: { hide: true }, config: { permission: 'public', isStreamed: true } } as const
  const assertSigned = (request: FastifyRequest, action: LinkPath): string => {
    const { expires, signature } = request.query as Record<string, string | undefined>
    const link = { action, subject: pathOf(request), expiresAtMs: Number(expires) }
    assertLink(deps.linkKey, link, { signature: signature ?? '', nowMs: deps.clock() })
    return link.subject
  }
  server.route({
    method: ['GET', 'HEAD'],
    url: `${linkPaths.read}/*`,
    ...route,
    handler: async (request, reply) => sendFile(request, reply, await tree.open(assertSigned(request, 'read'))),
  })
  server.put(`${linkPaths.write}/*`, route, async (request, reply) => {
    await receive(request, (body) => tree.store(assertSigned(request, 'write'), body))
    return reply.send()
  })
  server.put(`${linkPaths.part}/*`, route, async (request, reply) => {
    const digest = await receive(request, async (body) => {
      const [upload = ''] = assertSigned(request, 'part').split('/')
      return storePart(deps, upload, body)
    })
    return reply.header('etag', `"${digest}"`).send()
  })
}
