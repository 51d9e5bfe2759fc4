// Who calls the control plane: the local owner, a gateway of this home, or a step with its short-lived token.
import { timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { permissions, type Caller, type Permission } from '../governance/access.ts'
import type { Clock } from '../platform/clock.ts'
import { DomainError } from '../platform/errors.ts'
import type { IdSource } from '../platform/ids.ts'
import { readStepToken, type Secrets } from './home.ts'

const ownerPermissions: ReadonlySet<Permission> = new Set(
  permissions.filter((permission) => permission !== 'step.report' && permission !== 'gateway.report'),
)
const gatewayPermissions: ReadonlySet<Permission> = new Set<Permission>(['gateway.report', 'data.read'])
const stepPermissions: ReadonlySet<Permission> = new Set<Permission>([
  'step.report',
  'data.read',
  'run.read',
  'run.write',
  'trace.read',
  'trace.write',
  'model.read',
  'model.register',
])

const isSame = (given: string, wanted: string): boolean =>
  given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted))

/**
 * Without a token the caller is the owner: the server listens on loopback only, where every user of the machine's account could read the
 * home anyway. With a token it is whoever the token names, and never more.
 * @throws DomainError token_unknown
 */
export function identifyWith(deps: {
  secrets: Secrets
  clock: Clock
  ids: IdSource
  /** Of the run that a token is of: a step's token ends with the step, however long it was made for. */
  isAtWork: (runId: string) => Promise<boolean>
}): (request: FastifyRequest) => Promise<Caller> {
  const { secrets, clock, ids, isAtWork } = deps
  return async (request) => {
    const header = request.headers.authorization
    if (header === undefined) return { actor: { name: 'owner', clock, ids }, permissions: ownerPermissions }
    const token = /^Bearer (?<token>[\w.\-]+)$/v.exec(header)?.groups?.['token'] ?? ''
    if (isSame(token, secrets.gatewayToken))
      return { actor: { name: 'gateway', clock, ids }, permissions: gatewayPermissions }
    const step = readStepToken(secrets, token, clock())
    if (step && (await isAtWork(step.runId)))
      return { actor: { name: `step:${step.runId}`, clock, ids }, permissions: stepPermissions, scope: step.runId }
    throw new DomainError(
      'unauthenticated',
      'token_unknown',
      'the token is not known here, has expired, or the step that it was made for has ended',
    )
  }
}
