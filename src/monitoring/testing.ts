// For tests: versions with small baselines, predictions and counters such as a gateway reports them.
import type { GatewayReport, PredictionRecord, TrafficCounter } from '../serving/gateway-report.ts'
import { addToSketch, createSketch, sketchToJson } from '../statistics/quantile-sketch.ts'
import type { VersionFacts, VersionLookup } from './version-facts.ts'

export const testDayMs = Date.UTC(2001, 1, 1)
export const oneDayMs = 86_400_000

/** A binary model with one numeric and one category feature, and a month of training days. */
export const binaryFacts: VersionFacts = {
  task: 'binary',
  classes: ['on time', 'late'],
  baseline: {
    rows: 1000,
    features: [
      {
        name: 'distance',
        derive: 'value',
        bins: { kind: 'numeric', edges: [0, 500, 1000, 3000] },
        counts: [0, 0, 500, 300, 200, 0],
      },
      {
        name: 'origin',
        derive: 'value',
        bins: { kind: 'category', categories: ['ATL', 'ORD'] },
        counts: [0, 600, 400, 0],
      },
    ],
    prediction: { bins: { kind: 'numeric', edges: [0, 0.2, 0.5, 1] }, counts: [0, 0, 700, 200, 100, 0] },
    days: Array.from({ length: 31 }, (_, day) => ({
      dayMs: Date.UTC(2001, 0, 1 + day),
      rows: 1000,
      sumPredicted: 200,
      sumObserved: 200 + ((day * 7) % 11) * 4 - 20,
      sumLoss: 480 + ((day * 5) % 13) * 2,
    })),
  },
}

export const regressionFacts: VersionFacts = { ...binaryFacts, task: 'regression', classes: [] }
export const multiclassFacts: VersionFacts = { ...binaryFacts, task: 'multiclass', classes: ['a', 'b', 'c'] }

/** flights/* are binary, prices/* regressions, kinds/* multiclass; anything else is unknown. */
export const testVersions: VersionLookup = async (_, version) => {
  const [model] = version.split('/')
  if (model === 'flights') return binaryFacts
  if (model === 'prices') return regressionFacts
  return model === 'kinds' ? multiclassFacts : undefined
}

export const testPrediction = (id: string, changes: Partial<PredictionRecord> = {}): PredictionRecord => ({
  id,
  endpoint: 'flights',
  version: 'flights/1',
  role: 'champion',
  assignedWith: 1,
  eventTimeMs: testDayMs,
  atMs: 1_000,
  output: [0.2],
  shadows: [],
  ...changes,
})

export function testCounter(changes: Partial<TrafficCounter> = {}): TrafficCounter {
  const requests = changes.requests ?? 10
  const sketch = createSketch()
  for (let request = 0; request < requests; request++) addToSketch(sketch, 2)
  return {
    endpoint: 'flights',
    version: 'flights/1',
    role: 'champion',
    assignedWith: 1,
    dayMs: testDayMs,
    requests,
    rows: requests,
    errors: 0,
    latency: sketchToJson(sketch),
    logLatencySum: requests * Math.log(2),
    logLatencySquareSum: requests * Math.log(2) ** 2,
    features: [
      [0, 0, requests, 0, 0, 0],
      [0, requests, 0, 0],
    ],
    prediction: [0, 0, requests, 0, 0, 0],
    ...changes,
  }
}

export const testReport = (changes: Partial<GatewayReport> = {}): GatewayReport => ({
  worker: 'w1',
  sequence: 1,
  predictions: [],
  counters: [],
  eventTimes: {},
  dropped: 0,
  lost: 0,
  ...changes,
})
