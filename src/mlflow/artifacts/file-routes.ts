// Single files of runs, logged models and model versions, as the console asks for them.
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { artifactRepository } from '../../artifacts/artifact-repository.ts'
import { loggedModelUri, runUri } from '../../experiments/artifact-uris.ts'
import { readArtifactPath, writableArtifactPath } from '../../artifacts/artifact.ts'
import { assertWritesRun } from '../../experiments/write-scope.ts'
import { callerOf, type Permission } from '../../governance/access.ts'
import type { Log } from '../../platform/log.ts'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import { answerErrors } from '../server.ts'
import type { ArtifactDeps } from './deps.ts'
import { receive, takeStreams } from './receiving.ts'
import { sendFile } from './sending.ts'

const uploadBytesMax = 10 * 1024 * 1024

type Query = Readonly<Record<string, string | undefined>>
const queryOf = (request: FastifyRequest): Query =>
  Object.fromEntries(Object.entries(request.query as object).map(([key, value]) => [key, [value].flat()[0] as string]))

export const artifactFileRoutes: FastifyPluginAsync<ArtifactDeps & { log: Log }> = async (server, deps) => {
  answerErrors(server, deps.log)
  takeStreams(server)
  const serve = (
    url: string,
    permission: Permission,
    find: (request: FastifyRequest) => Promise<{ uri: string; path: string }>,
  ): void => {
    server.get(url, { schema: { hide: true }, config: { permission } }, async (request, reply) => {
      const { uri, path } = await find(request)
      return sendFile(request, reply, await artifactRepository(deps, uri).open(readArtifactPath(path)))
    })
  }
  serve('/get-artifact', 'run.read', async (request) => {
    const { run_id: id, run_uuid: uuid, path } = queryOf(request)
    const clean = readArtifactPath(required(path, 'path'))
    return { uri: await runUri(deps.db, id || uuid || 'None'), path: clean }
  })
  serve('/model-versions/get-artifact', 'model.read', async (request) => {
    const { name = '', version = '', path } = queryOf(request)
    const clean = readArtifactPath(required(path, 'path'))
    return { uri: await deps.versionUri({ name, version }), path: clean }
  })
  serve('/ajax-api/2.0/mlflow/logged-models/:model/artifacts/files', 'run.read', async (request) => {
    const { artifact_file_path: path } = queryOf(request)
    if (!path) throw mlflowError('BAD_REQUEST', 'Request must include the "artifact_file_path" query parameter.')
    const clean = readArtifactPath(path)
    return { uri: await loggedModelUri(deps.db, (request.params as { model: string }).model), path: clean }
  })
  const upload = { schema: { hide: true }, config: { permission: 'run.write' } } as const
  server.post('/ajax-api/2.0/mlflow/upload-artifact', upload, async (request, reply) => {
    await receive(request, async (body) => {
      const { run_uuid: id, path: text } = queryOf(request)
      if (!id) throw invalidParameter('Request must specify run_uuid.')
      if (!text) throw invalidParameter('Request must specify path.')
      const path = writableArtifactPath(text)
      if (Number(request.headers['content-length'] ?? 0) > uploadBytesMax) throw tooLarge()
      const bytes = await readSmall(body)
      await assertWritesRun(deps.db, callerOf(request), id)
      await artifactRepository(deps, await runUri(deps.db, id)).store(path, bytes)
    })
    return reply.type('application/json').send('')
  })
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw mlflowError('BAD_REQUEST', `Request must specify ${name}.`)
  return value
}

const tooLarge = (): Error => invalidParameter('Artifact size is too large. Max size is 10MB.')

async function readSmall(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > uploadBytesMax) throw tooLarge()
    chunks.push(chunk)
  }
  if (bytes === 0) throw invalidParameter('Request must specify data.')
  return Buffer.concat(chunks)
}
