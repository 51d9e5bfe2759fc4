// Following the control plane's configuration while the control plane comes and goes.
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallSignature } from '../../models/testing.ts'
import { createLog } from '../../platform/log.ts'
import { systemClock } from '../../platform/clock.ts'
import { defaultOptions } from '../endpoint-options.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import { smallBaseline } from '../testing.ts'
import { startConfigFeed } from './config-feed.ts'
import { createModelCache } from './gateway-cache.ts'

const bytes = Buffer.from('a model')
const digest = createHash('sha256').update(bytes).digest('hex')
const config: GatewayConfig = {
  generation: 1,
  endpoints: [
    {
      name: 'flights',
      splitSalt: 'salt',
      logShare: 1,
      queueRowsMax: 100,
      options: defaultOptions,
      clock: 'wall',
      variants: [
        {
          version: 'flights/2',
          role: 'champion',
          weight: 1,
          digest,
          signature: smallSignature,
          baseline: smallBaseline,
          quarantined: false,
        },
      ],
    },
  ],
}

/** Gives the configuration, and answers for the model's bytes as `answer` says at the time. */
async function startControlPlane(answer: () => 'gone' | 'missing' | 'here'): Promise<Server & AsyncDisposable> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/gateway/config')) {
      const after = Number(new URL(request.url, 'http://localhost').searchParams.get('after'))
      const isNew = after !== config.generation
      setTimeout(() => response.end(JSON.stringify({ config: isNew ? config : null })), isNew ? 0 : 200)
    } else if (answer() === 'gone') request.socket.destroy()
    else response.writeHead(answer() === 'here' ? 200 : 404).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return Object.assign(server, { [Symbol.asyncDispose]: close })
}

async function follow(answer: () => 'gone' | 'missing' | 'here', cached?: GatewayConfig) {
  const directory = await mkdtemp(join(tmpdir(), 'trueloop-feed-'))
  const server = await startControlPlane(answer)
  const find = () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'token' })
  const taken: number[] = []
  const feed = await startConfigFeed(
    {
      find,
      models: createModelCache(join(directory, 'models'), find),
      cachePath: join(directory, 'config.json'),
      incidents: { quarantined: new Set() },
      onConfig: ({ generation }) => void taken.push(generation),
      log: createLog({ level: 'error', format: 'text', clock: systemClock, write: () => undefined }),
    },
    cached && { config: cached, quarantined: [] },
  )
  return {
    taken,
    async [Symbol.asyncDispose]() {
      await feed.stop()
      await server[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const passTries = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2_000))
const within = { timeout: 60_000 }

test('a configuration waits for its model when the control plane goes away in between', async () => {
  let answer: 'gone' | 'here' = 'gone'
  await using feed = await follow(() => answer)
  await passTries()
  expect(feed.taken).toEqual([])
  answer = 'here'
  await expect.poll(() => feed.taken, within).toEqual([1])
})

test('a model that the control plane does not have does not keep the rest of the configuration back', async () => {
  await using feed = await follow(() => 'missing')
  await expect.poll(() => feed.taken, within).toEqual([1])
})

test('a cached configuration whose model is not on disk is served at once and completed later', async () => {
  let answer: 'gone' | 'here' = 'gone'
  await using feed = await follow(() => answer, config)
  expect(feed.taken).toEqual([1])
  answer = 'here'
  await expect.poll(() => feed.taken, within).toEqual([1, 1])
})
