// Texts that are stored encrypted: AES-256-GCM under a key that is made for one purpose, bound to what the text belongs to.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Made of a secret for one purpose: a text that was sealed for another does not open. */
export type SealingKey = Uint8Array

export const sealingKey = (secret: string, purpose: string): SealingKey =>
  new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32))

const nonceBytes = 12
const tagBytes = 16

/** @param owner what the text belongs to, such as an id: sealed for one, it opens for no other. */
export function seal(key: SealingKey, text: string, owner: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(owner))
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')
}

/** Undefined where the key, the owner or the sealed text is another. */
export function unseal(key: SealingKey, sealed: string, owner: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
    return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    return undefined // Whatever is wrong with it, it is not for this key.
  }
}
