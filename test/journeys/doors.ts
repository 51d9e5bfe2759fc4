// Every route of both processes, tried from outside: without a known identity, under a foreign Host, and from another site's page.
import { expect } from 'vitest'
import { z } from 'zod'
import { gatewayRoutes } from '../../src/serving/gateway-routes.ts'
import { send, type Reply } from './callers.ts'
import type { Home } from './harness.ts'

interface Door {
  readonly method: string
  readonly url: URL
}

/** What anybody may ask: whether it lives, and what there is to ask. */
const publicPaths: ReadonlySet<string> = new Set([
  '/api/health',
  '/api/openapi.json',
  '/health',
  // MLflow's probe of a scoring server, and KServe's of a server.
  '/ping',
  '/',
  '/v2/health/live',
  '/v2/health/ready',
])

const OpenApi = z.object({ openapi: z.string(), paths: z.record(z.string(), z.record(z.string(), z.unknown())) })

const inPlace = (path: string): string => path.replace('{verb}', 'explain').replaceAll(/\{[^\}]+\}/gv, '1')

async function doorsOf({ url, gatewayUrl }: Home): Promise<Door[]> {
  const { paths } = OpenApi.parse(await (await fetch(new URL('/api/openapi.json', url))).json())
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), url: new URL(inPlace(path), url) })),
  )
  expect(described.length, 'the description lists the routes').toBeGreaterThan(60)
  const served = gatewayRoutes.map(({ method, pattern }) => ({ method, url: new URL(inPlace(pattern), gatewayUrl) }))
  return [...described, ...served, { method: 'GET', url: new URL('/api/openapi.json', url) }]
}

const isRead = (method: string): boolean => method === 'GET' || method === 'HEAD'
const label = ({ method, url }: Door, { status, text }: Reply): string => `${method} ${url.href}: ${status} ${text}`

/** A write that is refused for another reason first would prove nothing, so each is sent what its route could read. */
const knock = (door: Door, headers: Readonly<Record<string, string>>): Promise<Reply> =>
  send({
    ...door,
    headers: { ...(isRead(door.method) ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(isRead(door.method) ? {} : { body: '{}' }),
  })

export async function expectOpenDoorsGuarded(home: Home): Promise<void> {
  for (const door of await doorsOf(home)) {
    const stranger = await knock(door, { authorization: 'Bearer nobody-knows-this' })
    if (publicPaths.has(door.url.pathname)) expect(stranger.status, label(door, stranger)).toBe(200)
    else expect(refusal(stranger), label(door, stranger)).toEqual([401, 'token_unknown'])
    const rebound = await knock(door, { host: 'trueloop.example' })
    expect(refusal(rebound), label(door, rebound)).toEqual([403, 'host_refused'])
    if (isRead(door.method)) continue
    const forged = await knock(door, { origin: 'https://elsewhere.example' })
    expect(refusal(forged), label(door, forged)).toEqual([403, 'origin_refused'])
    const crossSite = await knock(door, { 'sec-fetch-site': 'cross-site' })
    expect(refusal(crossSite), label(door, crossSite)).toEqual([403, 'origin_refused'])
  }
}

const Refusal = z.object({ code: z.string() })

function refusal({ status, text }: Reply): [number, string | undefined] {
  const parsed = Refusal.safeParse(text === '' ? {} : JSON.parse(text))
  return [status, parsed.data?.code]
}
