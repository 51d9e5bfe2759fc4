// A file over HTTP: whole or a part, as something to keep and never something to run.
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { StoredFile } from '../../artifacts/artifact-repository.ts'
import type { BlobPart } from '../../platform/blobs.ts'

/** Answers GET and HEAD, with ranges and conditions of RFC 9110. */
export function sendFile({ method, headers }: FastifyRequest, reply: FastifyReply, file: StoredFile): FastifyReply {
  const { bytes } = file
  const etag = `"${file.version}"`
  const lastModified = new Date(file.atMs).toUTCString()
  void reply
    .type(file.mediaType)
    .header('content-disposition', attachment(file.path))
    .header('content-security-policy', "sandbox; default-src 'none'")
    .header('cache-control', 'no-cache')
    .header('accept-ranges', 'bytes')
    .header('etag', etag)
    .header('last-modified', lastModified)
  if (isUnchanged(headers['if-none-match'], etag)) return reply.code(304).send()
  const condition = headers['if-range']
  const isSameFile = condition === undefined || condition === etag || condition === lastModified
  const part = isSameFile ? partOf(headers.range, bytes) : undefined
  if (part === 'none') return reply.code(416).header('content-range', `bytes */${bytes}`).send()
  if (part) void reply.code(206).header('content-range', `bytes ${part.start}-${part.end}/${bytes}`)
  void reply.header('content-length', part ? part.end - part.start + 1 : bytes)
  if (method === 'HEAD') return reply.send()
  return reply.send(Readable.from(checkedBeforeTheEnd(file.stream(part)), { objectMode: false }))
}

/** One chunk is held back until the source has ended well: what is found damaged at its end never arrives whole. */
async function* checkedBeforeTheEnd(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let held: Uint8Array | undefined
  for await (const chunk of source) {
    if (held) yield held
    held = chunk
  }
  if (held) yield held
}

const isUnchanged = (known: string | undefined, etag: string): boolean =>
  known !== undefined &&
  known.split(',').some((each) => each.trim().replace(/^W\//v, '') === etag || each.trim() === '*')

/** Undefined: all of it, which also answers what is no single range. */
function partOf(range: string | undefined, bytes: number): BlobPart | 'none' | undefined {
  const { first = '', last = '' } = /^bytes=(?<first>\d*)-(?<last>\d*)$/v.exec(range ?? '')?.groups ?? {}
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1)
  if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined
  return start > end ? 'none' : { start, end }
}

/** RFC 6266: the name in ASCII, and as it is where that is another. */
export function attachment(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const ascii = name.normalize('NFKD').replaceAll(/[^\x20-\x7e]/gv, '') || 'download'
  const quoted = /^[\w!#$%&'*+.^`|~-]+$/u.test(ascii) ? ascii : `"${ascii.replaceAll(/["\\]/gv, String.raw`\$&`)}"`
  const encoded = encodeURIComponent(name).replaceAll(
    /['\(\)*]/gv,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename=${quoted}${ascii === name ? '' : `; filename*=UTF-8''${encoded}`}`
}
