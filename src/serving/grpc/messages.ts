// Messages out of the chunks of a gRPC stream: length-prefixed, perhaps compressed, within the limit.
import { gunzipSync, inflateSync } from 'node:zlib'
import { DomainError } from '../../platform/errors.ts'
import { bodyBytesMax } from '../contract/gateway-limits.ts'
import { framePrefixBytes } from '../protocols/grpc-wire.ts'

/** Names in `grpc-encoding`; besides `identity`. */
const decompressors: Readonly<Record<string, (bytes: Uint8Array, limits: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
}
export const encodingsTaken = ['identity', ...Object.keys(decompressors)].join(',')

const invalid = (message: string): DomainError => new DomainError('invalid', 'request_invalid', message)
const tooLarge = (): DomainError =>
  new DomainError('too_large', 'body_too_large', `a message may have ${bodyBytesMax} bytes: send several requests`)

/** @throws DomainError media_type_unsupported */
export function assertEncoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding === 'identity' || Object.hasOwn(decompressors, encoding)) return
  const message = `the encoding "${encoding.slice(0, 40)}" is not supported: send ${encodingsTaken}`
  throw new DomainError('invalid', 'media_type_unsupported', message)
}

export interface MessageReader {
  /** Calls `take` for each message that is whole. @throws DomainError request_invalid, body_too_large */
  push(chunk: Buffer): void
  /** Whether a message has begun that is not whole. */
  readonly isWithin: boolean
}

/** @param encoding of messages that are marked as compressed */
export function createMessageReader(encoding: string | undefined, take: (message: Buffer) => void): MessageReader {
  let parts: Buffer[] = []
  let bytes = 0
  let wanted = framePrefixBytes
  return {
    get isWithin() {
      return bytes > 0
    },
    push(chunk) {
      parts.push(chunk)
      bytes += chunk.length
      while (bytes >= wanted) {
        const data = parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes)
        const length = data.readUInt32BE(1)
        if (length > bodyBytesMax) throw tooLarge()
        wanted = framePrefixBytes + length
        if (bytes < wanted) {
          parts = [data]
          return
        }
        const message = data.subarray(framePrefixBytes, wanted)
        const rest = data.subarray(wanted)
        parts = rest.length > 0 ? [rest] : []
        bytes = rest.length
        wanted = framePrefixBytes
        take(plain(message, data[0]!, encoding))
      }
    },
  }
}

function plain(message: Buffer, flag: number, encoding: string | undefined): Buffer {
  if (flag === 0) return message
  const decompress = flag === 1 && encoding !== undefined ? decompressors[encoding] : undefined
  if (!decompress) throw invalid('a message is marked as compressed, and no "grpc-encoding" says how')
  try {
    return decompress(message, { maxOutputLength: bodyBytesMax })
  } catch (error) {
    // Stopped at the limit: a small message that unpacks to gigabytes costs no more than this.
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    throw invalid(`a message is no ${encoding}`)
  }
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }

/** Milliseconds of a `grpc-timeout`; undefined: none. @throws DomainError request_invalid */
export function timeoutMsOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const unit = unitMs[header.at(-1) ?? '']
  if (unit === undefined || !/^\d{1,8}[A-Za-z]$/v.test(header))
    throw invalid(`grpc-timeout "${header.slice(0, 40)}" is not up to 8 digits and one of H, M, S, m, u, n`)
  return Number(header.slice(0, -1)) * unit
}
