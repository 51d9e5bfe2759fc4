// URLs that carry their own permission: to read a file, to write one, to send a part of an upload; until a time, and nothing else.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { DomainError } from '../platform/errors.ts'

export interface ArtifactLink {
  readonly action: 'read' | 'write' | 'part'
  /** A path of the tree, or an upload and the number of a part. */
  readonly subject: string
  readonly expiresAtMs: number
}

const signatureOf = (key: string, { action, subject, expiresAtMs }: ArtifactLink): Buffer =>
  createHmac('sha256', key).update(`artifact-link\n${action}\n${expiresAtMs}\n${subject}`).digest()

/** What goes into the URL beside the expiry. */
export const signLink = (key: string, link: ArtifactLink): string => signatureOf(key, link).toString('base64url')

/** @throws DomainError artifact_link_invalid */
export function assertLink(
  key: string,
  link: ArtifactLink,
  { signature, nowMs }: { signature: string; nowMs: number },
): void {
  const given = Buffer.from(signature, 'base64url')
  const expected = signatureOf(key, link)
  const isSigned = given.length === expected.length && timingSafeEqual(given, expected)
  if (isSigned && link.expiresAtMs > nowMs) return
  throw new DomainError(
    'forbidden',
    'artifact_link_invalid',
    `this link ${isSigned ? 'has expired' : 'was not made here, or was changed'}: ask for a new one`,
  )
}
