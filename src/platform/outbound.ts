// Posting to outside: the guarded way by which webhooks leave. The address that was checked is the one connected to; redirects are not followed.
import { once } from 'node:events'
import { request as httpRequest, type Agent, type IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { resolveDestination, type AllowedAddresses } from './addresses.ts'

export interface OutboundPost {
  readonly target: URL
  readonly body: string | Uint8Array
  /** JSON by default. */
  readonly contentType?: string
  /** Keeps connections, each to an address that was checked when it was made; by default none is kept. */
  readonly agent?: Agent
  readonly headers?: Readonly<Record<string, string>>
  /** What may be reached although it is not public. */
  readonly allow: AllowedAddresses
  /** For all of it, the name's resolution apart. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Of the answer that is read; 0 by default, and with an agent: only its status counts, and what it says could be endless. */
  readonly answerBytesMax?: number
}

/** `refused`: `address`, one of those of the host, may not be reached; nothing was sent. */
export type Outcome =
  | { readonly state: 'refused'; readonly address: string }
  | {
      readonly state: 'answered'
      readonly status: number
      /** Cut off where it is too long. */
      readonly body: string
      /** When the receiver wants to be asked again. */
      readonly retryAfterMs?: number
    }

/** @throws what the network throws: an unknown name, a refused connection, the timeout */
export async function postOutbound(post: OutboundPost): Promise<Outcome> {
  const destination = await resolveDestination(post.target, post.allow)
  if (destination.state === 'refused') return { state: 'refused', address: destination.address }
  const timeout = AbortSignal.timeout(post.timeoutMs)
  const signal = post.signal ? AbortSignal.any([post.signal, timeout]) : timeout
  return send(post, { ...destination.options, signal })
}

function send(
  { target, body, contentType = 'application/json', agent, headers = {}, answerBytesMax = 0 }: OutboundPost,
  reach: Pick<RequestOptions, 'lookup' | 'signal'>,
): Promise<Outcome> {
  const options: RequestOptions = {
    ...reach,
    method: 'POST',
    agent: agent ?? false,
    headers: {
      ...headers,
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'user-agent': 'trueloop',
    },
  }
  return new Promise((resolve, reject) => {
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, (response) => {
      const retryAfterMs = retryAfterOf(response)
      const answered = agent ? passedBy(response) : readAnswer(response, answerBytesMax)
      answered.then(
        (answer) =>
          resolve({
            state: 'answered',
            status: response.statusCode ?? 0,
            body: answer,
            ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
          }),
        reject,
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** To its end, so that the connection can be used again; one that does not end is closed by the timeout. */
async function passedBy(response: IncomingMessage): Promise<string> {
  response.resume()
  await once(response, 'end')
  return ''
}

async function readAnswer(response: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  if (bytesMax > 0) {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.byteLength
      if (bytes >= bytesMax) break
    }
  }
  response.destroy()
  return Buffer.concat(chunks).subarray(0, bytesMax).toString('utf8')
}

/** `Retry-After` in seconds; as a date it is not heeded. */
function retryAfterOf({ headers }: IncomingMessage): number | undefined {
  const seconds = /^\d{1,6}$/v.exec(headers['retry-after'] ?? '')?.[0]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}
