// When a version counts as served.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { untilServed } from './until-served.ts'

/** A gateway that answers each check with the next of these, and with the last of them from then on. */
async function gatewayOf(statuses: readonly number[]) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.connection}`)
    response.statusCode = statuses[Math.min(asked.length, statuses.length) - 1]!
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

const input = { endpoint: 'flights', version: 'flights/1', limitMs: 10_000 }

test('all connections of a row must meet a worker that serves it', async () => {
  await using gateway = await gatewayOf([404, 503, 200, 200, 404, 200])
  expect(await untilServed({ ...input, gatewayUrl: gateway.url })).toBe(true)
  expect(gateway.asked.length).toBe(5 + 8)
  expect(new Set(gateway.asked)).toEqual(new Set(['/v2/models/flights/versions/1/ready close']))
})

test('what never serves it, or never answers, is told after the time', async () => {
  await using gateway = await gatewayOf([404])
  expect(await untilServed({ ...input, gatewayUrl: gateway.url, limitMs: 150 })).toBe(false)
  expect(await untilServed({ ...input, gatewayUrl: 'http://127.0.0.1:1', limitMs: 0 })).toBe(false)
})
