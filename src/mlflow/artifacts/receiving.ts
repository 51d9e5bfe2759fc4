// The body of a request as it comes: stored by whoever takes it, read to its end whatever happens, and never kept in memory.
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MlflowError } from '../wire/errors.ts'

/** Bodies of this plugin's routes are streams, of whatever type. */
export function takeStreams(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
}

/**
 * @throws MlflowError when the client went away before the end; what `take` throws, after the rest was read: else the next request on this
 * connection would wait behind it, and a client that is still sending would not hear the answer.
 */
export async function receive<T>(
  request: FastifyRequest,
  take: (body: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const { body } = request
  if (!(body instanceof Readable)) return take(nothing())
  try {
    return await take(body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>)
  } catch (error) {
    if (request.raw.destroyed && !request.raw.complete) {
      throw new MlflowError('BAD_REQUEST', 'The upload ended before all of it had come; nothing was stored.')
    }
    body.resume()
    throw error
  }
}

async function* nothing(): AsyncIterable<Uint8Array> {
  yield* []
}
