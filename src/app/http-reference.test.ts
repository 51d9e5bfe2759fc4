// docs/reference/http.md is held to the routes of both servers, both ways: method, path and permission.
import { channel } from 'node:diagnostics_channel'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { contractRoutes } from '../mlflow/rpc.ts'
import { gatewayRoutes } from '../serving/gateway-routes.ts'
import { loadConfig } from './config.ts'
import { openContext } from './context.ts'
import { createServer } from './server.ts'

const documented = readFileSync(join(import.meta.dirname, '../../docs/reference/http.md'), 'utf8')

/** Rows of the tables below a heading of the second level, as `METHOD path permission`. */
function rowsBelow(heading: string): string[] {
  const start = documented.indexOf(`\n## ${heading}\n`)
  const end = documented.indexOf('\n## ', start + 1)
  const text = start < 0 ? '' : documented.slice(start, end < 0 ? undefined : end)
  const rows = text.matchAll(/^\| (?<method>[A-Z]+) \| `(?<path>[^`]+)` \| (?<permission>[a-z.]+) \| .{10}/gmv)
  return [...rows].map(({ groups }) => `${groups?.['method']} ${groups?.['path']} ${groups?.['permission']}`)
}

/** MLflow's methods have a reference of their own, which docs/reference/mlflow.md is held to. */
const contract = new Set(contractRoutes.map(({ method, url }) => `${method} ${url}`))
const isOfContract = (method: string, url: string): boolean => contract.has(`${method} ${url}`)

/** Every route that the control plane registers, HEAD aside, which each GET answers too. */
async function controlPlaneRoutes(): Promise<string[]> {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-http-reference-'))
  const routes: string[] = []
  const listen = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ method, url, config }) => {
      for (const each of [method].flat().filter((one) => one !== 'HEAD' && !isOfContract(one, url))) {
        routes.push(`${each} ${url} ${config?.permission ?? 'none'}`)
      }
    })
  }
  channel('fastify.initialization').subscribe(listen)
  try {
    const config = loadConfig({ TRUELOOP_HOME: home, TRUELOOP_LOG_LEVEL: 'error' })
    await using context = await openContext(config)
    const server = await createServer(config, context)
    await server.ready()
    await server.close()
  } finally {
    channel('fastify.initialization').unsubscribe(listen)
    rmSync(home, { recursive: true, force: true })
  }
  return routes
}

test('every route of the control plane is documented with its permission, and no other', async () => {
  const routes = await controlPlaneRoutes()
  expect(routes.length).toBeGreaterThan(50) // An empty walk must not pass.
  expect(rowsBelow('Control plane').toSorted()).toEqual(routes.toSorted())
})

test('every route of the gateway is documented with its permission, and no other', () => {
  const routes = gatewayRoutes.map(({ method, pattern, permission }) => `${method} ${pattern} ${permission}`)
  expect(rowsBelow('Gateway').toSorted()).toEqual(routes.toSorted())
})
