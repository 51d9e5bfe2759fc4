// Who is asking, and whether they may. Every route names the permission it needs; one without is refused at start.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DomainError } from '../platform/errors.ts'
import type { Actor } from './audit.ts'

/**
 * `noun.verb`. `public` needs no identity (liveness, and links that carry a signature); `step.report` and `gateway.report` are what processes
 * of this home hold; `model.register` adds models and versions without a graph, and changes none of others.
 */
export const permissions = [
  'public',
  'system.read',
  'system.manage',
  'audit.read',
  'lineage.read',
  'data.read',
  'data.write',
  'run.read',
  'run.write',
  'trace.read',
  'trace.write',
  'pipeline.read',
  'pipeline.run',
  'model.read',
  'model.register',
  'model.write',
  'model.promote',
  'endpoint.read',
  'endpoint.write',
  'endpoint.infer',
  'monitor.read',
  'monitor.write',
  'outcome.write',
  'rollout.read',
  'rollout.write',
  'loop.read',
  'loop.write',
  'webhook.read',
  'webhook.write',
  'step.report',
  'gateway.report',
] as const
export type Permission = (typeof permissions)[number]

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: Permission
  }
}

export interface Caller {
  readonly actor: Actor
  readonly permissions: ReadonlySet<Permission>
  /** A token may be bound to one thing, such as the run of a step (`run_…`). */
  readonly scope?: string
}

const callers = new WeakMap<FastifyRequest, Caller>()

/** The authenticated caller of a request that passed {@link guard}. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request)
  if (!caller) throw new Error('callerOf() outside of a guarded route')
  return caller
}

export const actorOf = (request: FastifyRequest): Actor => callerOf(request).actor

/** Whether the caller may; used by the gateway too, which has a route table of its own. */
export function assertPermitted(caller: Caller, permission: Permission): void {
  if (permission === 'public' || caller.permissions.has(permission)) return
  throw new DomainError('forbidden', 'permission_missing', `${caller.actor.name} lacks the permission ${permission}`)
}

/**
 * Refuses routes without a permission when they are registered, and requests without it when they come.
 * @throws DomainError permission_missing, or what `identify` throws (`token_unknown`).
 */
export function guard(server: FastifyInstance, identify: (request: FastifyRequest) => Caller | Promise<Caller>): void {
  server.addHook('onRoute', (route) => {
    if (!route.config?.permission)
      throw new Error(`${String(route.method)} ${route.url}: a route must name its permission`)
  })
  server.addHook('onRequest', async (request) => {
    if (request.is404) return
    const { permission } = request.routeOptions.config
    if (!permission) throw new DomainError('forbidden', 'permission_missing', 'this route names no permission')
    if (permission === 'public') return // Whoever it is, and whatever token a prober sends along.
    const caller = await identify(request)
    assertPermitted(caller, permission)
    callers.set(request, caller)
  })
}
