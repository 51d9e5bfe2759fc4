// Fernet, the form in which MLflow's database keeps the secrets of webhooks: AES-128-CBC under an HMAC, both keys in one text.
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Of 32 bytes: the first half signs, the second encrypts. */
export type FernetKey = Uint8Array

const version = 0x80
const macBytes = 32
/** Version, time and the vector. */
const headBytes = 1 + 8 + 16

/** Undefined: the text is no key of this form, which is 32 bytes in base64 for URLs. */
export function fernetKey(text: string): FernetKey | undefined {
  if (!/^[\w\-]{43}=?$/v.test(text)) return undefined
  const key = Buffer.from(text, 'base64url')
  return key.byteLength === 32 ? key : undefined
}

/** Undefined: it was not made with this key, or is none of them. */
export function openFernet(key: FernetKey, token: string): string | undefined {
  const bytes = Buffer.from(token, 'base64url')
  if (bytes.byteLength < headBytes + 16 + macBytes || bytes[0] !== version) return undefined
  const [signed, mac] = [bytes.subarray(0, -macBytes), bytes.subarray(-macBytes)]
  if (!timingSafeEqual(macOf(key, signed), mac)) return undefined
  const decipher = createDecipheriv('aes-128-cbc', key.subarray(16), signed.subarray(9, headBytes))
  return decipher.update(signed.subarray(headBytes), undefined, 'utf8') + decipher.final('utf8')
}

/** @param atMs Unix time; kept in seconds */
export function makeFernet(key: FernetKey, text: string, atMs: number): string {
  const head = Buffer.alloc(headBytes, version)
  head.writeBigUInt64BE(BigInt(Math.floor(atMs / 1000)), 1)
  randomBytes(16).copy(head, 9)
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), head.subarray(9))
  const signed = Buffer.concat([head, cipher.update(text, 'utf8'), cipher.final()])
  const token = Buffer.concat([signed, macOf(key, signed)]).toString('base64')
  return token.replaceAll('+', '-').replaceAll('/', '_')
}

const macOf = (key: FernetKey, signed: Uint8Array): Buffer =>
  createHmac('sha256', key.subarray(0, 16)).update(signed).digest()
