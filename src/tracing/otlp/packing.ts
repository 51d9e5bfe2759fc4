// How a request's body may be packed, and how far it is unpacked.
import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import { DomainError } from '../../platform/errors.ts'

export const packings = ['', 'gzip', 'deflate'] as const
/** `''`: as it is. */
export type Packing = (typeof packings)[number]

/** Of a request's spans, unpacked: a small body may hold a thousand times its size. */
const unpackedBytesMax = 128 * 1024 * 1024

/** @throws DomainError otlp_packing for a body that is not packed so; otlp_too_large for one of more than `bytesMax` */
export function unpack(body: Uint8Array, packing: Packing, bytesMax: number = unpackedBytesMax): Uint8Array {
  if (packing === '') return body
  const limit = { maxOutputLength: bytesMax }
  try {
    if (packing === 'gzip') return gunzipSync(body, limit)
    // Some clients send it without the header of zlib.
    return hasHeader(body) ? inflateSync(body, limit) : inflateRawSync(body, limit)
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      const message = `The payload has more than ${unpackedBytesMax} bytes: send fewer spans at once`
      throw new DomainError('too_large', 'otlp_too_large', message)
    }
    throw new DomainError('invalid', 'otlp_packing', `Failed to decompress ${packing} payload`)
  }
}

/** Method 8 in the low bits of the first byte, and the first two bytes a multiple of 31. */
const hasHeader = ([first = 0, second = 0]: Uint8Array): boolean =>
  first % 16 === 8 && (first * 256 + second) % 31 === 0
