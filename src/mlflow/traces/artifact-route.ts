// What MLflow's console shows of one trace: its spans as one JSON, or an attachment of theirs.
import { Readable } from 'node:stream'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { artifactRepository } from '../../artifacts/artifact-repository.ts'
import { readArtifactPath } from '../../artifacts/artifact.ts'
import { DomainError } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { tagKeys } from '../../tracing/keys.ts'
import { getTrace, readWithSpans } from '../../tracing/reading.ts'
import { sendFile } from '../artifacts/sending.ts'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import { answerErrors } from '../server.ts'
import { reprOf } from '../filter/python.ts'
import type { TraceDeps } from './deps.ts'
import { spansFile } from './spans-file.ts'

const attachmentName = /^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$/v

export const traceArtifactRoute: FastifyPluginAsync<TraceDeps & { log: Log }> = async (server, deps) => {
  answerErrors(server, deps.log)
  for (const version of ['2.0', '3.0']) {
    const url = `/ajax-api/${version}/mlflow/get-trace-artifact`
    server.get(url, { schema: { hide: true }, config: { permission: 'trace.read' } }, (request, reply) =>
      serve(deps, request, reply),
    )
  }
}

async function serve(deps: TraceDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const query = request.query as Readonly<Record<string, string | string[] | undefined>>
  const [id, path] = [[query['request_id']].flat()[0], [query['path']].flat()[0]]
  if (!id) throw mlflowError('BAD_REQUEST', 'Request must include the "request_id" query parameter.')
  if (path) return sendAttachment(deps, { id, path }, { request, reply })
  const [found] = await readWithSpans(deps.db, [id])
  if (!found) throw mlflowError('RESOURCE_DOES_NOT_EXIST', `Trace with ID ${id} is not found.`)
  if (!found.contents) return sendStored(deps, { uri: uriOf(found.trace.tags), path: spansFile }, { request, reply })
  return reply
    .type('text/plain')
    .header('content-disposition', `attachment; filename=${spansFile}`)
    .header('cache-control', 'no-cache')
    .send(Readable.from(spansText(found.contents), { objectMode: false }))
}

/** Each span is JSON already. */
function* spansText(contents: readonly string[]): Iterable<string> {
  for (const [index, content] of contents.entries()) yield (index === 0 ? '{"spans":[' : ',') + content
  yield contents.length === 0 ? '{"spans":[]}' : ']}'
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

const uriOf = (tags: Readonly<Record<string, string>>): string => tags[tagKeys.artifactLocation] ?? ''

async function sendAttachment(
  deps: TraceDeps,
  { id, path }: { id: string; path: string },
  exchange: Exchange,
): Promise<FastifyReply> {
  const name = readArtifactPath(path)
  if (!attachmentName.test(name)) {
    throw invalidParameter(`Invalid attachment path: ${reprOf(name)}. Attachment path must be a valid UUID.`)
  }
  const { tags } = await getTrace(deps.db, id)
  return sendStored(deps, { uri: uriOf(tags), path: `attachments/${name}` }, exchange)
}

async function sendStored(
  deps: TraceDeps,
  { uri, path }: { uri: string; path: string },
  { request, reply }: Exchange,
): Promise<FastifyReply> {
  const file = await artifactRepository(deps, uri)
    .open(path)
    .catch((error: unknown) => {
      // Named below the trace, as whoever asks knows it.
      const isMissing = error instanceof DomainError && error.code === 'artifact_not_found'
      throw isMissing ? mlflowError('RESOURCE_DOES_NOT_EXIST', `No such artifact: '${path}'`) : error
    })
  return sendFile(request, reply, file)
}
