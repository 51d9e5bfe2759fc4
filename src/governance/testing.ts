// For tests: a stage's routes on the real HTTP server and guard, with one caller of the given permissions.
import type { FastifyInstance } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { FastifyPluginOptions } from 'fastify'
import { systemClock, type Clock } from '../platform/clock.ts'
import { createHttpServer } from '../platform/http.ts'
import { createIds } from '../platform/ids.ts'
import { silentLog } from '../platform/log.ts'
import { guard, permissions as allPermissions, type Permission } from './access.ts'
import type { Actor } from './audit.ts'

export interface TestServerOptions {
  /** All of them by default. */
  readonly permissions?: readonly Permission[]
  /** The caller's name in the audit log; `tester` by default. */
  readonly name?: string
  /** What the caller's token is bound to; nothing by default. */
  readonly scope?: string
  readonly clock?: Clock
}

/** An actor for calling a stage's functions directly. */
export const testActor = (name = 'tester', clock: Clock = systemClock): Actor => ({
  name,
  clock,
  ids: createIds(clock),
})

/** Use `inject`, or `listen` for a socket; dispose it with `await using`. */
export async function createTestServer<Deps extends FastifyPluginOptions>(
  plugin: FastifyPluginAsyncZod<Deps>,
  deps: Deps,
  options: TestServerOptions = {},
): Promise<FastifyInstance & AsyncDisposable> {
  const actor = testActor(options.name, options.clock)
  const server = await createHttpServer({ log: silentLog, ids: actor.ids, version: '0.0.0' })
  const granted = new Set<Permission>(options.permissions ?? allPermissions)
  guard(server, () => ({ actor, permissions: granted, ...(options.scope ? { scope: options.scope } : {}) }))
  await server.register(plugin as FastifyPluginAsyncZod<FastifyPluginOptions>, deps)
  await server.ready()
  return Object.assign(server, { [Symbol.asyncDispose]: async () => server.close() })
}
