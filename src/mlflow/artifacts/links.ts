// Links that are handed out: absolute URLs of this server, as the client that asks reaches it.
import type { FastifyRequest } from 'fastify'
import { signLink, type ArtifactLink } from '../../artifacts/artifact-link.ts'
import type { ArtifactDeps } from './deps.ts'

export type LinkPath = ArtifactLink['action']

export const linkPaths: Readonly<Record<LinkPath, string>> = {
  read: '/api/2.0/mlflow-artifacts/links/read',
  write: '/api/2.0/mlflow-artifacts/links/write',
  part: '/api/2.0/mlflow-artifacts/links/part',
}

export function linkUrl(
  { linkKey, clock }: Pick<ArtifactDeps, 'linkKey' | 'clock'>,
  http: FastifyRequest,
  { action, subject, lifeMs }: { action: LinkPath; subject: string; lifeMs: number },
): string {
  const expiresAtMs = clock() + lifeMs
  const signature = signLink(linkKey, { action, subject, expiresAtMs })
  const path = subject.split('/').map(encodeURIComponent).join('/')
  return `${originOf(http)}${linkPaths[action]}/${path}?expires=${expiresAtMs}&signature=${signature}`
}

/** What the client wrote, which the server checks (governance/hosts.ts); a proxy before it says whether that was https. */
function originOf({ protocol, headers }: FastifyRequest): string {
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : protocol
  return `${scheme}://${headers.host}`
}
