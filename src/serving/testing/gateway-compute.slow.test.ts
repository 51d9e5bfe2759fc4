// Slow versions in a whole gateway: what hangs in a compute process costs its own version alone, and no process is left behind.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { sleep } from '../../platform/clock.ts'
import { oipBody, smallBaseline } from '../testing.ts'
import { startTestControlPlane, startTestGateway, type TestControlPlane, type TestGateway } from './gateway.ts'
import { slowModel } from './models.ts'

/** Beyond the budget of a run, and never near the time after which a run counts as hung. */
const slowX = 200
/** As good as for ever. */
const endlessX = 4_000

const variant = (version: string, role: 'champion' | 'canary', weight: number) => ({ version, role, weight })

/** Warmed with rows that take long: it is held by the compute processes alone. */
function addSlowModel(control: TestControlPlane): Promise<string> {
  const bins = { kind: 'numeric' as const, edges: [slowX, slowX + 1, slowX + 2] }
  const features = [{ name: 'x', derive: 'value' as const, bins, counts: [0, 0, 50, 50, 0] }]
  return control.addModel({ ...slowModel(), baseline: { ...smallBaseline, features } })
}

async function askSlow(gateway: TestGateway, version: string, x: number): Promise<{ status: number; code?: string }> {
  const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP64', shape: [1], data: [x] }] })
  const path = `${gateway.url}/v2/models/flights/versions/${version.split('/')[1]}/infer`
  const response = await fetch(path, { method: 'POST', body })
  const { code } = (await response.json()) as { code?: string }
  return { status: response.status, ...(code === undefined ? {} : { code }) }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '')
    .map(Number)

/** Two workers, each with its compute process. */
const hasTwoOfEach = (gateway: TestGateway): boolean => {
  const workers = gateway.workers()
  return workers.length === 2 && workers.every((pid) => childrenOf(pid).length === 1)
}

const isThere = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/mv.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('a version that hangs a compute process twice is taken out, and no worker and no other version notices', async () => {
  await using control = await startTestControlPlane()
  const good = await control.addModel({ bytes: smallModel() })
  const bad = await addSlowModel(control)
  await control.setVariants([variant(good, 'champion', 0.999), variant(bad, 'canary', 0.001)])
  await using gateway = await startTestGateway(control.url)
  await gateway.until(() => hasTwoOfEach(gateway))
  expect(await askSlow(gateway, bad, slowX)).toEqual({ status: 200 })
  const workers = gateway.workers()
  let isDone = false
  const statuses: number[] = []
  const load = (async () => {
    while (!isDone) {
      const response = await fetch(`${gateway.url}/v2/models/flights/infer`, { method: 'POST', body: oipBody([1]) })
      await response.arrayBuffer()
      statuses.push(response.status)
    }
  })()
  expect(await askSlow(gateway, bad, endlessX)).toEqual({ status: 503, code: 'compute_lost' })
  // What it ran before is held by the next process.
  expect(await askSlow(gateway, bad, slowX)).toEqual({ status: 200 })
  expect(await askSlow(gateway, bad, endlessX)).toEqual({ status: 503, code: 'compute_lost' })
  await gateway.until(async () => (await askSlow(gateway, bad, slowX)).code === 'version_quarantined')
  isDone = true
  await load
  expect(statuses.length).toBeGreaterThan(20)
  expect(statuses.filter((status) => status !== 200)).toEqual([])
  expect(gateway.workers()).toEqual(workers)
  await gateway.until(async () => {
    const response = await fetch(`${control.url}/api/endpoints/flights`)
    const { variants } = (await response.json()) as { variants: { version: string; quarantined: boolean }[] }
    return variants.some(({ version, quarantined }) => version === bad && quarantined)
  })
  // Workers tell their counts now and then.
  const counted = `trueloop_compute_losses_total{version="${bad}",kind="hung"} 2\n`
  await gateway.until(async () => (await (await fetch(`${gateway.url}/metrics`)).text()).includes(counted))
})

test('a compute process that hangs when its worker is killed is ended with it', async () => {
  await using control = await startTestControlPlane()
  const slow = await addSlowModel(control)
  await control.setVariants([variant(slow, 'champion', 1)])
  await using gateway = await startTestGateway(control.url, { workers: 1 })
  const [worker] = gateway.workers()
  const [compute] = childrenOf(worker!)
  void askSlow(gateway, slow, endlessX).catch(() => undefined)
  await sleep(500)
  process.kill(worker!, 'SIGKILL')
  await gateway.until(() => !isThere(compute!))
  await gateway.until(async () => (await askSlow(gateway, slow, slowX).catch(() => undefined))?.status === 200)
})

test('a gateway that stops leaves no compute process behind', async () => {
  await using control = await startTestControlPlane()
  await control.setVariants([variant(await addSlowModel(control), 'champion', 1)])
  const gateway = await startTestGateway(control.url)
  await gateway.until(() => hasTwoOfEach(gateway))
  const processes = gateway.workers().flatMap(childrenOf)
  expect(processes).toHaveLength(2)
  await gateway[Symbol.asyncDispose]()
  for (let waited = 0; processes.some(isThere) && waited < 20_000; waited += 50) await sleep(50)
  expect(processes.filter(isThere)).toEqual([])
})
