// A canary that fails is answered for by the champion that is served then: the one of then may have been let go meanwhile.
import { expect, test } from 'vitest'
import { regressionModel } from '../../models/testing.ts'
import { DomainError } from '../../platform/errors.ts'
import { testEndpoint, testVariant } from '../testing.ts'
import { createEndpointRuntime, isRunnable, type EndpointRuntime, type VariantRuntime } from './endpoint-runtime.ts'
import { infer, type InferenceAnswer, type InferenceTools } from './inference.ts'
import { createVersionCounters } from './reports/traffic-counters.ts'
import { createVersionQueue, takeWork, type VersionQueue } from './runs/version-queue.ts'

const model = regressionModel()

interface Version {
  readonly runtime: VariantRuntime
  readonly queue: VersionQueue
  isReleased: boolean
}

function versionOf(number: number, role: 'champion' | 'canary', weight: number): Version {
  const variant = testVariant(number, model, { role, weight })
  const queue = createVersionQueue(variant.version, {
    signature: model.signature,
    local: { run: () => ({ rows: 1, width: 1, values: Float32Array.of(number) }) },
    remote: undefined,
  })
  const version = { isReleased: false }
  const loaded = {
    version: variant.version,
    digest: variant.digest,
    queue,
    shadowQueue: queue,
    get isReleased() {
      return version.isReleased
    },
    release: async () => undefined,
  }
  const counters = createVersionCounters({ endpoint: 'flights', version: variant.version }, variant)
  return Object.assign(version, { queue, runtime: { variant, role, weight, counters, loaded } })
}

const endpointOf = (...versions: readonly Version[]): EndpointRuntime => {
  const runtimes = versions.map(({ runtime }) => runtime)
  const config = testEndpoint(runtimes.map(({ variant }) => variant))
  return createEndpointRuntime(config, { limiter: undefined, cache: undefined }, runtimes)
}

function createTools(): { readonly tools: InferenceTools; readonly woken: VersionQueue[] } {
  const woken: VersionQueue[] = []
  const tools = {
    executor: {
      wake: (queue) => void woken.push(queue),
      wakeLater: () => undefined,
      predictedWaitMs: () => 0,
      isIdle: true,
    },
    nowMs: () => 0,
    clock: () => 0,
    predictions: {
      log: () => undefined,
      fail: () => undefined,
      noteEventTime: () => undefined,
      rowsAnswered: 0,
      shadowRowsDropped: 0,
    },
    fellBack: () => undefined,
    looked: () => undefined,
  } satisfies InferenceTools
  return { tools, woken }
}

const failed = {
  predictions: { rows: 0, width: 1, values: new Float32Array(0) },
  offset: 0,
  error: new DomainError('unavailable', 'model_failed', 'it failed'),
  queueMs: 0,
  inferMs: 0,
  aloneMs: 1,
}

/** Asks an endpoint whose canary takes all, changes it, and lets the canary fail. */
function failAfter(endpoint: EndpointRuntime, canary: Version, change: () => void) {
  const { tools, woken } = createTools()
  const answers: InferenceAnswer[] = []
  const request = {
    endpoint,
    predictionId: 'prd_1',
    columns: { x: [1] },
    rows: 1,
    key: undefined,
    pinned: undefined,
    eventTimeMs: undefined,
    timeoutMs: undefined,
    priority: 0,
  }
  infer(tools, request, (answer) => answers.push(answer))
  expect(woken).toEqual([canary.queue])
  change()
  takeWork(canary.queue, 0)!.jobs[0]!.answer(failed)
  return { answers, woken }
}

test('the champion of the configuration that came meanwhile answers, and the one that was let go is not asked', () => {
  const [before, canary, after] = [versionOf(1, 'champion', 0), versionOf(2, 'canary', 1), versionOf(3, 'champion', 1)]
  const endpoint = endpointOf(before, canary)
  const { answers, woken } = failAfter(endpoint, canary, () => {
    endpoint.next = endpointOf(after)
    before.isReleased = true
  })
  expect(woken).toEqual([canary.queue, after.queue])
  expect([before.queue.rows, after.queue.rows, answers]).toEqual([0, 1, []])
})

test('the champion beside it answers as long as it is there, also when the canary has taken its place', () => {
  const [champion, canary] = [versionOf(1, 'champion', 0), versionOf(2, 'canary', 1)]
  const endpoint = endpointOf(champion, canary)
  expect(failAfter(endpoint, canary, () => undefined).woken).toEqual([canary.queue, champion.queue])
  const { woken } = failAfter(endpoint, canary, () => (endpoint.next = endpointOf(versionOf(2, 'champion', 1))))
  expect(woken).toEqual([canary.queue, champion.queue])
})

test('an endpoint that is served no more says so, and a version that was let go is not run', () => {
  const [champion, canary] = [versionOf(1, 'champion', 0), versionOf(2, 'canary', 1)]
  const { answers, woken } = failAfter(endpointOf(champion, canary), canary, () => (champion.isReleased = true))
  expect(isRunnable(champion.runtime)).toBe(false)
  expect(woken).toEqual([canary.queue])
  expect(answers.map(({ error }) => error?.code)).toEqual(['version_not_loaded'])
})
