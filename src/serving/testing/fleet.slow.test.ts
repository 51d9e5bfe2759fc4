// The gateway's workers change under callers over HTTP and gRPC, kept and short-lived: no request that could be answered fails.
import { expect, test } from 'vitest'
import { testActor } from '../../governance/testing.ts'
import { smallModel } from '../../models/testing.ts'
import { sleep } from '../../platform/clock.ts'
import { transact } from '../../platform/database.ts'
import { restartFleet, scaleFleet } from '../control-plane/fleet-changes.ts'
import { framed, grpcCaller, inferRequest } from '../grpc/testing.ts'
import { oipBody, smallBaseline } from '../testing.ts'
import { answersOf, failuresOf, grpcPortOf, startCallers, type Callers } from './callers.ts'
import {
  predictionsLeft,
  startTestControlPlane,
  startTestGateway,
  type TestControlPlane,
  type TestGateway,
} from './gateway.ts'
import { slowModel } from './models.ts'

const champion = (version: string) => ({ version, role: 'champion' as const, weight: 1 })
const counts = { http_kept: 4, http_short: 3, grpc_kept: 3, grpc_short: 2 }
const pauseMs = 5

async function startFleet(workers = 2): Promise<{ control: TestControlPlane; gateway: TestGateway } & AsyncDisposable> {
  const control = await startTestControlPlane()
  await control.setVariants([champion(await control.addModel({ bytes: smallModel() }))])
  const gateway = await startTestGateway(control.url, { workers })
  await servingWorkers(gateway, workers)
  return {
    control,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]()
      await control[Symbol.asyncDispose]()
    },
  }
}

/** On a connection of its own: one that is kept would keep the worker that leaves. */
const textOf = async (url: string): Promise<string> => (await fetch(url, { headers: { connection: 'close' } })).text()

/** Waits until so many serve, and none is on its way out. */
async function servingWorkers(gateway: TestGateway, count: number): Promise<void> {
  await gateway.until(
    async () =>
      gateway.workers().length === count &&
      (await textOf(`${gateway.url}/metrics`)).includes(`trueloop_gateway_workers ${count}\n`),
    60_000,
  )
}

/** Every kind of caller was answered, and nobody was not. */
async function expectNoFailure(callers: Callers, what: string): Promise<void> {
  const called = await callers.stop()
  process.stderr.write(`${what}: ${JSON.stringify({ answers: answersOf(called), failures: failuresOf(called) })}\n`)
  expect(failuresOf(called)).toEqual({})
  expect(Object.keys(answersOf(called)).toSorted()).toEqual(Object.keys(counts).toSorted())
}

test('rolling restarts replace a hundred workers, and no request fails', async () => {
  await using fleet = await startFleet()
  const { control, gateway } = fleet
  const pids = new Set(gateway.workers())
  const callers = startCallers(gateway, { counts, pauseMs })
  for (let restart = 0; restart < 50; restart++) {
    const before = new Set(gateway.workers())
    await transact(control.db, (trx) => restartFleet(trx, testActor(), { reason: 'test' }))
    await gateway.until(() => gateway.workers().filter((pid) => !before.has(pid)).length >= 2, 60_000)
    for (const pid of gateway.workers()) pids.add(pid)
  }
  await sleep(500)
  await expectNoFailure(callers, `${pids.size} workers`)
  expect(pids.size).toBeGreaterThanOrEqual(100)
})

test('a gateway scales from two workers to four, to one and back, and no request fails', async () => {
  await using fleet = await startFleet()
  const { control, gateway } = fleet
  const callers = startCallers(gateway, { counts, pauseMs })
  for (const workers of [4, 1, null, 4, 1, null]) {
    await transact(control.db, (trx) => scaleFleet(trx, testActor(), { workers, cores: 4, reason: 'test' }))
    await servingWorkers(gateway, workers ?? 2)
    await sleep(300)
  }
  await expectNoFailure(callers, 'scaled')
})

test('the champion is switched fifty times, and no request fails', async () => {
  await using fleet = await startFleet()
  const { control, gateway } = fleet
  const versions = [await control.addModel({ bytes: smallModel({ weight: 2 }) }), 'flights/1']
  const callers = startCallers(gateway, { counts, pauseMs })
  const answeredBy = new Set<string | undefined>()
  for (let turn = 0; turn < 50; turn++) {
    const version = versions[turn % 2]!
    await control.setVariants([champion(version)])
    const from = callers.called.length
    await gateway.until(() => callers.called.slice(from).some((found) => found.version === version))
    answeredBy.add(version)
  }
  await expectNoFailure(callers, 'switched')
  expect(answeredBy.size).toBe(2)
})

test('a gateway that is told to end is not ready first, and answers what it has read', async () => {
  await using fleet = await startFleet()
  const { control, gateway } = fleet
  const callers = startCallers(gateway, { counts, endsAtFailure: true })
  await sleep(700)
  gateway.primary.kill('SIGTERM')
  const ended = new Promise((resolve) => gateway.primary.once('exit', resolve))
  await gateway.until(async () => (await fetch(`${gateway.url}/v2/health/ready`)).status === 503)
  const from = callers.called.length
  await ended
  const called = await callers.stop()
  const summary = JSON.stringify({ answers: answersOf(called), failures: failuresOf(called) })
  process.stderr.write(`ended: ${summary}\n`)
  expect(gateway.primary.exitCode).toBe(0)
  expect(answersOf(called.slice(from))).not.toEqual({})
  // Every caller ends at the closed door: with a connection that it has just made, and before it heard a byte.
  const failed = called.filter(({ isAnswered }) => !isAnswered)
  expect(
    failed.filter(({ isAtTheDoor }) => !isAtTheDoor),
    summary,
  ).toEqual([])
  expect(failed).toHaveLength(Object.values(counts).reduce((sum, count) => sum + count, 0))
  // What was answered is what the log has: nothing was read and then dropped.
  expect(await predictionsLeft(control, gateway)).toBe(called.length - failed.length)
})

test('a worker that is killed takes with it what was in flight there, and no more', async () => {
  await using fleet = await startFleet()
  const { gateway } = fleet
  const callers = startCallers(gateway, { counts })
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  for (let kill = 0; kill < 5; kill++) {
    await sleep(300)
    const [victim] = gateway.workers()
    const from = callers.called.length
    process.kill(victim!, 'SIGKILL')
    await gateway.until(() => !gateway.workers().includes(victim!))
    await servingWorkers(gateway, 2)
    const failed = callers.called.slice(from).filter(({ isAnswered }) => !isAnswered)
    // A connection carries one request at a time here.
    expect(failed.length, JSON.stringify(failuresOf(failed))).toBeLessThanOrEqual(total)
  }
  const called = await callers.stop()
  process.stderr.write(`killed: ${JSON.stringify({ answers: answersOf(called), failures: failuresOf(called) })}\n`)
  expect(answersOf(called.slice(-total))).not.toEqual({})
})

test('a version that hangs its worker twice over gRPC is taken out, and the others answer', async () => {
  await using fleet = await startFleet()
  const { control, gateway } = fleet
  const baseline = { ...smallBaseline, features: smallBaseline.features.slice(0, 1) }
  const bad = await control.addModel({ ...slowModel(), baseline })
  await control.setVariants([
    { ...champion('flights/1'), weight: 0.999 },
    { version: bad, role: 'canary', weight: 0.001 },
  ])
  const raw = new Uint8Array(Float64Array.of(4_000).buffer)
  const inputs = [{ name: 'x', datatype: 'FP64', shape: [1], raw }]
  const request = framed(inferRequest({ version: bad.split('/')[1]!, inputs }))
  const hang = async (): Promise<string | undefined> => {
    using caller = grpcCaller(grpcPortOf(gateway))
    return (await caller.call(request)).code
  }
  const good = async (): Promise<number> => {
    const init = { method: 'POST', body: oipBody([1]), headers: { connection: 'close' } }
    return (await fetch(`${gateway.url}/v2/models/flights/versions/1/infer`, init)).status
  }
  await gateway.until(async () => (await hang()) === 'version_quarantined', 120_000)
  expect(await good()).toBe(200)
  expect(gateway.log().split('hangs and is killed').length - 1).toBe(2)
})
