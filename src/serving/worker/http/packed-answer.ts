// Answers in gzip or deflate, for callers who ask for it and bodies that are worth it.
import { deflate, gzip } from 'node:zlib'
import type { Reply } from './http-answer.ts'

/** Characters or bytes of an answer from which on it is packed: what is smaller goes in a packet or three. */
export const packedBytesMin = 4096
/** The fastest level: numbers as text shrink to a third at any. */
const options = { level: 1 }

type Encoding = 'gzip' | 'deflate'

/** Headers that were seen; a caller cannot make it grow beyond this. */
const remembered = new Map<string, Encoding | undefined>()
const rememberedMax = 64

/** The encoding that `Accept-Encoding` lets us use; undefined: none. */
export function encodingOf(accepted: string | undefined): Encoding | undefined {
  if (accepted === undefined) return undefined
  if (remembered.has(accepted)) return remembered.get(accepted)
  const names = new Set<string>()
  for (const part of accepted.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
    if (!parameters.some((text) => /^q=0(?:\.0*)?$/v.test(text))) names.add(name)
  }
  const found = names.has('gzip') ? 'gzip' : names.has('deflate') ? 'deflate' : undefined
  if (remembered.size < rememberedMax) remembered.set(accepted, found)
  return found
}

/** Calls `done` with the packed answer; with the answer as it is when it cannot be packed. */
export function pack(reply: Reply, encoding: Encoding, done: (packed: Reply) => void): void {
  const work = encoding === 'gzip' ? gzip : deflate
  work(reply.body, options, (error, body) => {
    if (error) return done(reply)
    const headers = [...(reply.headers ?? []), 'content-encoding', encoding, 'vary', 'accept-encoding']
    done({ ...reply, body, headers })
  })
}
