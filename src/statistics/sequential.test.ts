// E-processes: false alarms under constant peeking, how soon harm is found, JSON and merging.
import { expect, test } from 'vitest'
import { createGenerator, type Generator } from './random.ts'
import {
  addSplitEvents,
  averageLogEvidence,
  emptyMismatchProcess,
  emptySplitProcess,
  exceedanceLogEvidence,
  mergeSplitProcess,
  signLogEvidence,
  SplitProcess,
  splitLogEvidence,
} from './sequential.ts'

/** Canary requests at which the process first reaches 1/alpha, looking after each error; undefined when it never does. */
function detectedAt(
  generator: Generator,
  rates: { canary: number; baseline: number },
  horizon = 50_000,
): number | undefined {
  const weight = 0.1
  const process = emptySplitProcess()
  let canaryRequests = 0
  const eventRate = weight * rates.canary + (1 - weight) * rates.baseline
  const canaryShare = (weight * rates.canary) / eventRate
  let request = 0
  for (;;) {
    // Requests until the next error are geometric; how many of those were the canary's hardly matters: the mean is taken.
    const gap = Math.ceil(Math.log1p(-generator.uniform()) / Math.log1p(-eventRate))
    request += gap
    canaryRequests += gap * weight
    if (request > horizon) return undefined
    const canary = generator.uniform() < canaryShare ? 1 : 0
    addSplitEvents(process, { weight, canary, baseline: 1 - canary })
    if (splitLogEvidence(process) >= Math.log(100)) return canaryRequests
  }
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

test('a healthy canary is hardly ever accused, however often one looks', () => {
  const generator = createGenerator('healthy')
  const alarms = Array.from({ length: 400 }, () => detectedAt(generator, { canary: 0.01, baseline: 0.01 }))
  expect(alarms.filter((at) => at !== undefined).length / 400).toBeLessThanOrEqual(0.01)
})

test('twice the errors are found within some 1,600 requests of the canary, ten times within 50', () => {
  const generator = createGenerator('harm')
  const find = (canary: number) => Array.from({ length: 300 }, () => detectedAt(generator, { canary, baseline: 0.01 }))
  const twice = find(0.02)
  expect(twice.filter((at) => at !== undefined).length / 300).toBeGreaterThan(0.96)
  expect(median(twice.map((at) => at ?? Infinity))).toBeGreaterThan(1000)
  expect(median(twice.map((at) => at ?? Infinity))).toBeLessThan(2200)
  expect(median(find(0.05).map((at) => at ?? Infinity))).toBeLessThan(250)
  expect(median(find(0.1).map((at) => at ?? Infinity))).toBeLessThan(100)
})

test('a weight that changes on the way does not raise false alarms', () => {
  const generator = createGenerator('ramp')
  let alarms = 0
  for (let round = 0; round < 300; round++) {
    const process = emptySplitProcess()
    let alarmed = false
    for (let event = 0; event < 600; event++) {
      const weight = [0.01, 0.05, 0.2, 0.5][Math.floor(event / 150)]!
      const canary = generator.uniform() < weight ? 1 : 0
      addSplitEvents(process, { weight, canary, baseline: 1 - canary })
      alarmed ||= splitLogEvidence(process) >= Math.log(20)
    }
    if (alarmed) alarms++
  }
  expect(alarms / 300).toBeLessThanOrEqual(0.05)
})

test('a null ratio forgives what it allows', () => {
  const run = (nullRatio: number) => {
    const process = emptySplitProcess({ nullRatio })
    addSplitEvents(process, { weight: 0.5, canary: 600, baseline: 400 })
    return splitLogEvidence(process)
  }
  expect(run(1)).toBeGreaterThan(Math.log(100))
  expect(run(1.5)).toBeLessThan(0)
})

test('a wrong split of requests is found and a right one is not accused', () => {
  const generator = createGenerator('split')
  const evidence = (share: number) => {
    const process = emptyMismatchProcess()
    let largest = -Infinity
    for (let batch = 0; batch < 200; batch++) {
      let canary = 0
      for (let request = 0; request < 500; request++) if (generator.uniform() < share) canary++
      addSplitEvents(process, { weight: 0.1, canary, baseline: 500 - canary })
      largest = Math.max(largest, splitLogEvidence(process))
    }
    return largest
  }
  expect(evidence(0.1)).toBeLessThan(Math.log(100))
  expect(evidence(0.11)).toBeGreaterThan(Math.log(100))
  expect(evidence(0.092)).toBeGreaterThan(Math.log(100))
})

test('counts of two gateways merge to the process of all events, and JSON keeps it', () => {
  const first = emptySplitProcess()
  const second = emptySplitProcess()
  const whole = emptySplitProcess()
  addSplitEvents(first, { weight: 0.1, canary: 3, baseline: 20 })
  addSplitEvents(second, { weight: 0.2, canary: 5, baseline: 11 })
  addSplitEvents(whole, { weight: 0.1, canary: 3, baseline: 20 })
  addSplitEvents(whole, { weight: 0.2, canary: 5, baseline: 11 })
  const merged = mergeSplitProcess(SplitProcess.parse(JSON.parse(JSON.stringify(first))), second)
  expect(merged.canary).toBe(8)
  expect(splitLogEvidence(merged)).toBeCloseTo(splitLogEvidence(whole), 12)
  expect(() => mergeSplitProcess(first, emptyMismatchProcess())).toThrow(RangeError)
  addSplitEvents(first, { weight: 1, canary: 9, baseline: 0 })
  expect(first.canary).toBe(3)
})

test('exceeding a known rate is found and keeping it is not accused, at any look', () => {
  const generator = createGenerator('slow')
  const alarms = (rate: number) => {
    let count = 0
    for (let round = 0; round < 200; round++) {
      let hits = 0
      for (let n = 1; n <= 1000; n++) {
        if (generator.uniform() < rate) hits++
        if (exceedanceLogEvidence({ n, hits }, 0.05) < Math.log(20)) continue
        count++
        break
      }
    }
    return count / 200
  }
  expect(alarms(0.05)).toBeLessThanOrEqual(0.05)
  expect(alarms(0.12)).toBeGreaterThan(0.95)
})

test('the sign test is exact arithmetic on discordant pairs, and fair pairs are not accused', () => {
  // 2^n B(w + 1, l + 1), by hand: 2^10 · 8! 2! / 11!
  expect(Math.exp(signLogEvidence({ for: 8, against: 2 }))).toBeCloseTo((1024 * 40320 * 2) / 39916800, 10)
  expect(signLogEvidence({ for: 100, against: 40 }, 'greater')).toBeGreaterThan(Math.log(100))
  expect(signLogEvidence({ for: 40, against: 100 }, 'greater')).toBeLessThan(0)
  const generator = createGenerator('coin')
  let alarms = 0
  for (let round = 0; round < 300; round++) {
    let wins = 0
    for (let n = 1; n <= 400; n++) {
      if (generator.uniform() < 0.5) wins++
      if (signLogEvidence({ for: wins, against: n - wins }) < Math.log(20)) continue
      alarms++
      break
    }
  }
  expect(alarms / 300).toBeLessThanOrEqual(0.05)
})

test('averaging e-values keeps the strongest within the number of them', () => {
  expect(averageLogEvidence([Math.log(300), Math.log(0.1)])).toBeCloseTo(Math.log(150.05), 10)
  expect(averageLogEvidence([-Infinity])).toBe(-Infinity)
})
