// One HTTP request as it is told, whatever fetch thinks of it: a GET with a body, any content type, bytes as they are.
import { Agent, request as nodeRequest } from 'node:http'

export interface RawRequest {
  readonly method: string
  /** With its query, encoded. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export interface RawAnswer {
  readonly status: number
  /** Names in lower case; several of one name are joined. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

const timeoutMs = 120_000

/** One kept connection is enough: calls go one after the other. */
export const keptConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 })

export function send(url: string, { method, path, headers = {}, body }: RawRequest, agent: Agent): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const outgoing = nodeRequest(
      { hostname, port, method, path, agent, headers: { ...headers, ...length } },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.once('error', reject)
        answer.once('end', () => {
          const named = Object.entries(answer.headers).map(([name, value]) => [name, [value].flat().join(', ')])
          resolve({
            status: answer.statusCode!,
            headers: Object.fromEntries(named) as Record<string, string>,
            body: Buffer.concat(chunks),
          })
        })
      },
    )
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`${method} ${path} took over ${timeoutMs} ms`)))
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}
