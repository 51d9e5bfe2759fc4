// Loads and unloads at a caller's wish in a gateway of several processes: every worker follows before the answer, and a restart keeps them.
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { oipBody } from '../testing.ts'
import { startTestControlPlane, startTestGateway, type TestGateway } from './gateway.ts'

const change = (gateway: TestGateway, verb: 'load' | 'unload') =>
  fetch(`${gateway.url}/v2/repository/models/flights/${verb}`, { method: 'POST' })
/** Each request on a connection of its own, so that all workers are asked. */
const ask = async (gateway: TestGateway): Promise<number> => {
  const headers = { connection: 'close' }
  const response = await fetch(`${gateway.url}/v2/models/flights/infer`, {
    method: 'POST',
    body: oipBody([1]),
    headers,
  })
  await response.arrayBuffer()
  return response.status
}
const askMany = async (gateway: TestGateway): Promise<number[]> => [
  ...new Set(await Promise.all(Array.from({ length: 30 }, () => ask(gateway)))),
]

interface Statistics {
  model_stats: { inference_count: number; inference_stats: { success: { count: number } } }[]
}

test('every worker follows a load and an unload before it is answered, and a restart keeps them', async () => {
  await using control = await startTestControlPlane()
  const version = await control.addModel({ bytes: smallModel() })
  await control.setVariants([{ version, role: 'champion', weight: 1 }])
  await using gateway = await startTestGateway(control.url, { workers: 2 })
  await gateway.until(async () => (await ask(gateway)) === 200)
  for (let round = 0; round < 5; round++) {
    expect((await change(gateway, 'unload')).status).toBe(200)
    expect(await askMany(gateway)).toEqual([503])
    expect((await change(gateway, 'load')).status).toBe(200)
    expect(await askMany(gateway)).toEqual([200])
  }
  // The other worker's numbers are a heartbeat old at most.
  await gateway.until(async () => {
    const response = await fetch(`${gateway.url}/v2/models/flights/stats`)
    const { model_stats: stats } = (await response.json()) as Statistics
    const { inference_count: count, inference_stats: of } = stats[0]!
    return count >= 150 && of.success.count === count
  })
  expect((await change(gateway, 'unload')).status).toBe(200)
  gateway.primary.kill('SIGKILL')
  await new Promise((resolve) => gateway.primary.once('exit', resolve))
  await using again = await startTestGateway(control.url, { home: gateway.home, workers: 2 })
  await again.until(async () => (await ask(again)) !== 404)
  expect(await askMany(again)).toEqual([503])
  expect((await change(again, 'load')).status).toBe(200)
  expect(await askMany(again)).toEqual([200])
})
