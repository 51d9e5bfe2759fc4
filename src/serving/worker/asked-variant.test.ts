// Callers who say who is to answer, and endpoints that somebody stopped: over real HTTP, with what is reported of them.
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { startTestWorker, testEndpoint, testVariant, type TestWorker } from '../testing.ts'

const first = { bytes: smallModel() }
const second = { bytes: smallModel({ weight: 2 }) }
const third = { bytes: smallModel({ weight: 3 }) }
const split = [
  testVariant(1, first, { weight: 0.5 }),
  testVariant(2, second, { role: 'canary', weight: 0 }),
  testVariant(3, third, { role: 'canary', weight: 0.5 }),
]
const startSplit = (): Promise<TestWorker> =>
  startTestWorker({ generation: 1, endpoints: [testEndpoint(split)] }, [first, second, third])

const ask = async (gateway: TestWorker, variant: string): Promise<string | number | null> => {
  const response = await gateway.infer([1], { headers: { 'trueloop-variant': variant, 'trueloop-key': 'somebody' } })
  return response.status === 200 ? response.headers.get('trueloop-model-version') : response.status
}

test('a caller is answered by whom it asks for, and is no evidence for either', async () => {
  await using gateway = await startSplit()
  expect(await ask(gateway, 'champion')).toBe('small/1')
  expect(await ask(gateway, 'canary')).toBe('small/3')
  expect(await ask(gateway, 'small/2')).toBe('small/2')
  expect(await ask(gateway, '3')).toBe('small/3')
  expect(await ask(gateway, '9')).toBe(404)
  const reports = await gateway.reports()
  const counters = reports.flatMap((report) => report.counters)
  // The champion's answer is counted, with no share; those of versions on trial are looks, and counted nowhere.
  expect(counters.map(({ version, assignedWith }) => [version, assignedWith])).toEqual([['small/1', undefined]])
  expect(reports.flatMap((report) => report.predictions).map(({ version }) => version)).toEqual(['small/1'])
})

test('an empty header asks for nobody: the split decides, and its probability is logged', async () => {
  await using gateway = await startSplit()
  const answered = new Set<unknown>()
  for (let at = 0; at < 40; at++) {
    const headers = { 'trueloop-variant': '', 'trueloop-key': `caller-${at}` }
    answered.add((await gateway.infer([1], { headers })).headers.get('trueloop-model-version'))
  }
  expect(answered).toEqual(new Set(['small/1', 'small/3']))
  const predictions = (await gateway.reports()).flatMap((report) => report.predictions)
  expect(predictions).toHaveLength(40)
  expect(new Set(predictions.map(({ assignedWith }) => assignedWith))).toEqual(new Set([0.5]))
})

test('nobody to answer as canary is a 404, not an answer by somebody else', async () => {
  await using gateway = await startTestWorker({ generation: 1, endpoints: [testEndpoint([testVariant(1, first)])] }, [
    first,
  ])
  expect(await ask(gateway, 'canary')).toBe(404)
})

test('a stopped endpoint refuses every caller with the reason, also those who ask for a version, and the others answer', async () => {
  const endpoints = [
    testEndpoint([testVariant(1, first)], { stopped: 'wrong prices' }),
    testEndpoint([testVariant(1, first)], { name: 'other' }),
  ]
  await using gateway = await startTestWorker({ generation: 1, endpoints }, [first])
  const refused = await gateway.infer([1])
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).not.toBeNull()
  expect(await refused.json()).toMatchObject({
    code: 'endpoint_stopped',
    error: 'endpoint "flights" is stopped: wrong prices',
  })
  expect(await ask(gateway, 'champion')).toBe(503)
  expect((await gateway.infer([1], { path: '/v2/models/other/infer' })).status).toBe(200)
  await gateway.worker.apply({ generation: 2, endpoints: [testEndpoint([testVariant(1, first)])] })
  expect((await gateway.infer([1])).status).toBe(200)
})
