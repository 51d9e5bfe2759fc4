// For tests: configurations of small models, and a worker of its own folder that serves them over real HTTP.
import { createHash, randomFillSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { permissions, type Caller } from '../governance/access.ts'
import { testActor } from '../governance/testing.ts'
import type { Baseline } from '../models/baseline.ts'
import type { Signature } from '../models/signature.ts'
import { smallModel, smallSignature } from '../models/testing.ts'
import { monotonicMs, systemClock } from '../platform/clock.ts'
import { silentLog } from '../platform/log.ts'
import { defaultOptions } from './endpoint-options.ts'
import type { EndpointConfig, GatewayConfig, Variant } from './gateway-config.ts'
import { GatewayReport } from './gateway-report.ts'
import {
  createGatewayWorker,
  gatewayPaths,
  type GatewayPaths,
  type GatewayWorker,
  type GatewayWorkerDeps,
} from './gateway-worker.ts'

/** The baseline of {@link smallSignature}: four bins of x, three carriers, hour and weekday of the date. */
export const smallBaseline: Baseline = {
  rows: 100,
  features: [
    {
      name: 'x',
      derive: 'value',
      bins: { kind: 'numeric', edges: [-2, -1, 0, 1, 2] },
      counts: [0, 0, 25, 25, 25, 25, 0],
    },
    { name: 'carrier', derive: 'value', bins: { kind: 'category', categories: ['AA', 'BB'] }, counts: [0, 50, 40, 10] },
    {
      name: 'date',
      derive: 'hour',
      bins: { kind: 'numeric', edges: [0, 6, 12, 18, 23] },
      counts: [0, 0, 25, 25, 25, 25, 0],
    },
  ],
  prediction: { bins: { kind: 'numeric', edges: [0, 0.25, 0.5, 0.75, 1] }, counts: [0, 0, 25, 25, 25, 25, 0] },
  days: [],
}

export interface TestModel {
  readonly bytes: Uint8Array
  readonly signature?: Signature
  readonly baseline?: Baseline
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A variant of `small/<version>`. */
export function testVariant(version: number, model: TestModel, how: Partial<Variant> = {}): Variant {
  return {
    version: `small/${version}`,
    role: 'champion',
    weight: 1,
    digest: digestOf(model.bytes),
    signature: model.signature ?? smallSignature,
    baseline: model.baseline ?? (model.signature ? { ...smallBaseline, features: [] } : smallBaseline),
    quarantined: false,
    ...how,
  }
}

export const testEndpoint = (variants: Variant[], how: Partial<EndpointConfig> = {}): EndpointConfig => ({
  name: 'flights',
  splitSalt: 'salt',
  variants,
  logShare: 1,
  queueRowsMax: 100_000,
  options: defaultOptions,
  clock: 'wall',
  ...how,
})

/** One endpoint, `flights`, with one champion: the small model. */
export const smallConfig = (generation = 1): GatewayConfig => ({
  generation,
  endpoints: [testEndpoint([testVariant(1, { bytes: smallModel() })])],
})

/** Puts model bytes where workers look for them. */
export function storeModels(paths: GatewayPaths, models: readonly TestModel[]): void {
  mkdirSync(paths.models, { recursive: true })
  for (const { bytes } of models) writeFileSync(join(paths.models, digestOf(bytes)), bytes)
}

export interface TestWorker extends AsyncDisposable {
  readonly worker: GatewayWorker
  readonly paths: GatewayPaths
  readonly url: string
  /** Sends rows of `x`, carrier AA, at a fixed date, as Open Inference Protocol. */
  infer(
    x: readonly (number | null)[],
    how?: { headers?: Record<string, string>; path?: string; carrier?: string },
  ): Promise<Response>
  /** What was reported since the last call, in order. */
  reports(): Promise<GatewayReport[]>
}

export const oipBody = (x: readonly (number | null)[], carrier = 'AA'): string =>
  JSON.stringify({
    inputs: [
      { name: 'x', datatype: 'FP64', shape: [x.length], data: x },
      { name: 'carrier', datatype: 'BYTES', shape: [x.length], data: x.map(() => carrier) },
      { name: 'date', datatype: 'BYTES', shape: [x.length], data: x.map(() => '2001-01-31T07:45:00Z') },
    ],
  })

export const testCaller: Caller = { actor: testActor(), permissions: new Set(permissions) }

export async function startTestWorker(
  config: GatewayConfig,
  models: readonly TestModel[],
  how: Partial<GatewayWorkerDeps> = {},
): Promise<TestWorker> {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-gateway-'))
  const paths = gatewayPaths(home)
  storeModels(paths, models)
  const worker = createGatewayWorker({
    paths,
    worker: 'test',
    clock: systemClock,
    nowMs: monotonicMs,
    fillRandom: randomFillSync,
    log: silentLog,
    version: '0.0.0',
    hosts: [],
    identify: () => testCaller,
    ...how,
  })
  await worker.apply(config)
  const port = await worker.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${port}`
  return {
    worker,
    paths,
    url,
    infer: (x, { headers = {}, path = '/v2/models/flights/infer', carrier = 'AA' } = {}) =>
      fetch(url + path, { method: 'POST', body: oipBody(x, carrier), headers }),
    async reports() {
      worker.flushNow()
      // One may just be being written.
      const names = readdirSync(paths.reports)
        .filter((name) => name.endsWith('.report.json'))
        .toSorted()
      return names.map((name) => GatewayReport.parse(JSON.parse(readFileSync(join(paths.reports, name), 'utf8'))))
    },
    async [Symbol.asyncDispose]() {
      await worker.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}
