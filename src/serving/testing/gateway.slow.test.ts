// The gateway as processes: configuration, swaps under load, hung and killed workers, drains, and a control plane that goes away.
import { Agent, request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { sleep } from '../../platform/clock.ts'
import { identifyProcess } from '../../platform/processes.ts'
import { oipBody, smallBaseline, type TestModel } from '../testing.ts'
import {
  predictionsLeft,
  predictionsTold,
  startTestControlPlane,
  startTestGateway,
  type TestGateway,
} from './gateway.ts'
import { slowModel } from './models.ts'

/** Of a load that kills interrupt: what one kill may leave open. */
const connections = 8

const champion = (version: string, weight = 1) => ({ version, role: 'champion' as const, weight })
const canary = (version: string, weight: number) => ({ version, role: 'canary' as const, weight })

interface Sent {
  status: number
  version: string | undefined
}

/** One request over an agent; status 0: the connection failed. */
function send(gateway: TestGateway, agent: Agent, body = oipBody([1])): Promise<Sent & { error?: string }> {
  return new Promise((resolve) => {
    const headers = { 'content-length': Buffer.byteLength(body) }
    const sent = httpRequest(
      `${gateway.url}/v2/models/flights/infer`,
      { method: 'POST', agent, headers },
      (response) => {
        response.resume().once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            version: response.headers['trueloop-model-version'] as string,
          }),
        )
      },
    )
    sent.once('error', (error) => resolve({ status: 0, version: undefined, error: String(error) }))
    sent.end(body)
  })
}

/** Sends on `connections` kept connections until it is told to stop; answers what came back. */
function startLoad(
  gateway: TestGateway,
  connections: number,
  { endsAtFailure = false, body = oipBody([1]) } = {},
): { stop(): Promise<(Sent & { error?: string })[]> } {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const all: (Sent & { error?: string })[] = []
  let isStopped = false
  const loops = Array.from({ length: connections }, async () => {
    while (!isStopped) {
      const found = await send(gateway, agent, body)
      all.push(found)
      if (endsAtFailure && found.status !== 200) return
    }
  })
  return {
    async stop() {
      isStopped = true
      await Promise.all(loops)
      agent.destroy()
      return all
    },
  }
}

const ask = (gateway: TestGateway): Promise<Sent> => send(gateway, new Agent())

test('a gateway follows the control plane, reports what it answered, and ends in order', async () => {
  await using control = await startTestControlPlane()
  await control.setVariants([champion(await control.addModel({ bytes: smallModel() }))])
  await using gateway = await startTestGateway(control.url)
  await gateway.until(async () => (await ask(gateway)).status === 200)
  const before = predictionsTold(control)
  const load = startLoad(gateway, 4)
  await sleep(500)
  const sent = await load.stop()
  expect(sent.filter(({ status }) => status !== 200)).toEqual([])
  await gateway.until(() => predictionsTold(control) >= before + sent.length)
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
  expect(metrics).toContain('trueloop_gateway_workers 2')
  expect(metrics).toMatch(
    /^trueloop_inference_requests_total\{endpoint="flights",version="flights\/1",role="champion",outcome="answered"\} \d+$/mv,
  )
  gateway.primary.kill('SIGTERM')
  await new Promise((resolve) => gateway.primary.once('exit', resolve))
  expect(gateway.primary.exitCode).toBe(0)
})

/** A run of the rows that it is measured with takes 30 ms and more; what is asked of it here takes no time. */
function slowlyLoaded(): TestModel {
  const [x] = smallBaseline.features
  const bins = { kind: 'numeric' as const, edges: [450, 451] }
  return { ...slowModel(), baseline: { ...smallBaseline, features: [{ ...x!, bins, counts: [0, 100, 0, 0] }] } }
}

const xBody = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP64', shape: [1], data: [1] }] })

test('new versions that load slowly come with new workers, and fail no request', async () => {
  await using control = await startTestControlPlane()
  const versions: string[] = []
  for (let version = 1; version <= 3; version++) versions.push(await control.addModel(slowlyLoaded()))
  await control.setVariants([champion(versions[0]!)])
  await using gateway = await startTestGateway(control.url)
  const askX = (): Promise<Sent> => send(gateway, new Agent(), xBody)
  await gateway.until(async () => (await askX()).status === 200)
  const before = new Set(gateway.workers())
  const load = startLoad(gateway, 16, { body: xBody })
  for (const version of versions.slice(1)) {
    await control.setVariants([champion(version)])
    await gateway.until(async () => (await askX()).version === version)
    await sleep(500)
  }
  await gateway.until(() => gateway.workers().every((pid) => !before.has(pid)))
  // Both are loaded from here on: a ramp is a change in place, and nobody is replaced.
  const [first, last] = versions.slice(1) as [string, string]
  await control.setVariants([champion(last, 0.9), canary(first, 0.1)])
  await gateway.until(async () => (await askX()).version === first)
  await gateway.until(() => gateway.workers().length === 2)
  const pids = gateway.workers()
  await control.setVariants([champion(first)])
  await gateway.until(async () => (await askX()).version === first && (await askX()).version === first)
  expect(gateway.workers()).toEqual(pids)
  const sent = await load.stop()
  expect(sent.length).toBeGreaterThan(500)
  expect(sent.filter(({ status }) => status !== 200)).toEqual([])
})

test('new versions that load quickly are taken by the workers that serve, and fail no request', async () => {
  await using control = await startTestControlPlane()
  const versions: string[] = []
  for (let weight = 1; weight <= 4; weight++) versions.push(await control.addModel({ bytes: smallModel({ weight }) }))
  await control.setVariants([champion(versions[0]!)])
  await using gateway = await startTestGateway(control.url)
  await gateway.until(async () => (await ask(gateway)).status === 200)
  await gateway.until(() => gateway.workers().length === 2)
  // Few callers: what a version takes to load is measured beside them.
  const load = startLoad(gateway, 4)
  let inPlace = 0
  for (const version of versions.slice(1)) {
    const pids = gateway.workers().join()
    await control.setVariants([champion(version)])
    await gateway.until(async () => (await ask(gateway)).version === version)
    await sleep(500)
    if (gateway.workers().join() === pids) inPlace++
  }
  // On a machine that is busy with something else, what is quick may have been measured as slow.
  expect(inPlace).toBeGreaterThan(0)
  const sent = await load.stop()
  expect(sent.length).toBeGreaterThan(500)
  expect(sent.filter(({ status }) => status !== 200)).toEqual([])
})

test('a drain answers what was sent', async () => {
  await using control = await startTestControlPlane()
  await control.setVariants([champion(await control.addModel({ bytes: smallModel() }))])
  await using gateway = await startTestGateway(control.url)
  const load = startLoad(gateway, 8, { endsAtFailure: true })
  await sleep(500)
  gateway.primary.kill('SIGTERM')
  await new Promise((resolve) => gateway.primary.once('exit', resolve))
  const sent = await load.stop()
  const failed = sent.filter(({ status }) => status !== 200)
  // A connection that is made while the listeners go is refused or reset, one for each caller; no request that was read is lost.
  expect(failed).toHaveLength(8)
  expect(await predictionsLeft(control, gateway)).toBe(sent.length - failed.length)
})

test('a worker that hangs when its primary is killed is ended at the next start', async () => {
  await using control = await startTestControlPlane()
  const slow = slowModel()
  await control.setVariants([
    champion(
      await control.addModel({ ...slow, baseline: { ...smallBaseline, features: smallBaseline.features.slice(0, 1) } }),
    ),
  ])
  const first = await startTestGateway(control.url)
  const pids = first.workers()
  const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP64', shape: [1], data: [4_000] }] })
  void fetch(`${first.url}/v2/models/flights/infer`, { method: 'POST', body }).catch(() => undefined)
  await sleep(500)
  process.kill(first.primary.pid!, 'SIGKILL')
  const there = (): number[] => pids.filter((pid) => identifyProcess(pid))
  await expect.poll(() => there().length).toBe(1)
  const left = there()
  await using second = await startTestGateway(control.url, { home: first.home })
  expect(left.filter((pid) => identifyProcess(pid))).toEqual([])
  expect(second.log()).toContain('workers of a gateway that was killed were ended')
})

test('a worker that is killed under load is replaced, and the others go on', async () => {
  await using control = await startTestControlPlane()
  await control.setVariants([champion(await control.addModel({ bytes: smallModel() }))])
  await using gateway = await startTestGateway(control.url)
  await gateway.until(async () =>
    (await (await fetch(`${gateway.url}/metrics`)).text()).includes('trueloop_gateway_workers 2'),
  )
  const [victim] = gateway.workers()
  const load = startLoad(gateway, 8)
  await sleep(300)
  process.kill(victim!, 'SIGKILL')
  await gateway.until(() => gateway.workers().length === 2 && !gateway.workers().includes(victim!))
  await sleep(300)
  const sent = await load.stop()
  // Only what was in flight in the killed worker, a request a connection at most.
  const failed = sent.filter(({ status }) => status !== 200)
  expect(failed.length <= 8 ? [] : failed).toEqual([])
  expect((await ask(gateway)).status).toBe(200)
})

test('what a killed worker had answered and not reported is counted, and the control plane is told', async () => {
  await using control = await startTestControlPlane()
  await control.setVariants([champion(await control.addModel({ bytes: smallModel() }))])
  await using gateway = await startTestGateway(control.url)
  const metrics = async (): Promise<string> => (await fetch(`${gateway.url}/metrics`)).text()
  await gateway.until(async () => (await metrics()).includes('trueloop_gateway_workers 2'))
  await gateway.until(async () => (await ask(gateway)).status === 200)
  const load = startLoad(gateway, connections)
  await sleep(600)
  const victims = gateway.workers()
  // One after the other, at different moments between two reports.
  for (const [at, victim] of victims.entries()) {
    process.kill(victim, 'SIGKILL')
    await gateway.until(() => gateway.workers().length === 2 && !gateway.workers().includes(victim))
    await gateway.until(async () => (await metrics()).includes('trueloop_gateway_workers 2'))
    await sleep(300 + 110 * at)
  }
  const sent = await load.stop()
  const answered = sent.filter(({ status }) => status === 200).length
  const arrived = (): number => predictionsTold(control)
  const told = (): number => control.reports.reduce((sum, { lost }) => sum + lost, 0)
  // The first request, which found the gateway ready, is one more.
  await gateway.until(() => arrived() + told() >= answered + 1 - victims.length * connections)
  const summary = `${answered + 1} answered, ${arrived()} arrived, ${told()} told as lost`
  expect(told(), summary).toBeGreaterThan(0)
  // The last report may be on its way.
  await gateway.until(async () => (await metrics()).includes(`trueloop_predictions_lost_total ${told()}\n`))
  // In its last turn a worker may have answered what it did not count any more, or counted what nobody received: a request a connection.
  const unexplained = answered + 1 - arrived() - told()
  expect(Math.abs(unexplained), summary).toBeLessThanOrEqual(victims.length * connections)
  expect(new Set(control.reports.filter(({ lost }) => lost > 0).map(({ worker }) => worker)).size).toBeLessThanOrEqual(
    victims.length,
  )
})

test('a version that hangs its worker twice is taken out, alone, and the control plane hears of it', async () => {
  await using control = await startTestControlPlane()
  const good = await control.addModel({ bytes: smallModel() })
  const slow = slowModel()
  const bad = await control.addModel({
    ...slow,
    baseline: { ...smallBaseline, features: smallBaseline.features.slice(0, 1) },
  })
  await control.setVariants([champion(good, 0.999), canary(bad, 0.001)])
  await using gateway = await startTestGateway(control.url)
  const path = `${gateway.url}/v2/models/flights/versions/${bad.split('/')[1]}/infer`
  const hang = () =>
    fetch(path, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP64', shape: [1], data: [4_000] }] }),
    }).then(
      (response) => response.status,
      () => 0,
    )
  expect(await hang()).toBe(0)
  await gateway.until(() => gateway.workers().length === 2)
  expect(await hang()).toBe(0)
  await gateway.until(async () => (await hang()) === 503)
  expect((await ask(gateway)).status).toBe(200)
  await gateway.until(async () => {
    const response = await fetch(`${control.url}/api/endpoints/flights`)
    const { variants } = (await response.json()) as { variants: { version: string; quarantined: boolean }[] }
    return variants.some(({ version, quarantined }) => version === bad && quarantined)
  })
})

test('without the control plane a restarted gateway serves what it knew, and reports when it is back', async () => {
  await using control = await startTestControlPlane()
  await control.setVariants([champion(await control.addModel({ bytes: smallModel() }))])
  const first = await startTestGateway(control.url)
  await first.until(async () => (await ask(first)).status === 200)
  await control.stop()
  process.kill(first.primary.pid!, 'SIGKILL')
  const second = await startTestGateway(control.url, { home: first.home })
  await using _ = second
  for (let sent = 0; sent < 10; sent++) expect((await ask(second)).status).toBe(200)
  const heard = control.reports.flatMap((report) => report.predictions).length
  await sleep(600)
  await control.start()
  await second.until(() => control.reports.flatMap((report) => report.predictions).length >= heard + 10)
})
