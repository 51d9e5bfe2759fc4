// Versions are loaded by a process of its own before a worker meets them; what cannot be is left to the workers.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { preparationName } from '../../models/preparation.ts'
import { smallModel } from '../../models/testing.ts'
import { createLog } from '../../platform/log.ts'
import { systemClock } from '../../platform/clock.ts'
import type { GatewayConfig, Variant } from '../gateway-config.ts'
import { gatewayPaths } from '../gateway-worker.ts'
import { slowModel } from '../testing/models.ts'
import { smallBaseline, storeModels, testEndpoint, testVariant, type TestModel } from '../testing.ts'
import { createPreparer } from './preparer.ts'

const configOf = (...variants: Variant[]): GatewayConfig => ({ generation: 1, endpoints: [testEndpoint(variants)] })

function open({ limitMs = 60_000 } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-prepare-'))
  const paths = gatewayPaths(home)
  const times = new Map<string, number>()
  const said: string[] = []
  const log = createLog({ level: 'info', format: 'json', clock: systemClock, write: (line) => void said.push(line) })
  const onLoadTime = (digest: string, ms: number): void => void times.set(digest, ms)
  const start = () => createPreparer({ paths, onLoadTime, log, limitMs })
  return {
    paths,
    times,
    said,
    start,
    pathOf: ({ digest, signature }: Variant) => join(paths.models, preparationName(digest, signature)),
    add(version: number, model: TestModel): Variant {
      storeModels(paths, [model])
      return testVariant(version, model)
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  }
}

/** Runs for minutes on the rows that its baseline makes one think of. */
function hangingModel(): TestModel {
  const [x] = smallBaseline.features
  const bins = { kind: 'numeric' as const, edges: [4_000, 5_000] }
  return { ...slowModel(), baseline: { ...smallBaseline, features: [{ ...x!, bins, counts: [0, 100, 0, 0] }] } }
}

test('each version is prepared once, and again only where what was written is not whole', async () => {
  using place = open()
  const [first, second] = [1, 2].map((weight) => place.add(weight, { bytes: smallModel({ weight }) }))
  const preparer = place.start()
  await preparer.prepare(configOf(first!, second!))
  expect([...place.times.keys()]).toEqual([first!.digest, second!.digest])
  for (const ms of place.times.values()) expect(ms).toBeGreaterThan(0)
  expect(preparer.prepare(configOf(second!))).toBeUndefined()
  expect(
    preparer.prepare(configOf({ ...testVariant(3, { bytes: smallModel({ weight: 3 }) }), quarantined: true })),
  ).toBe(undefined)
  await preparer.stop()
  const written = readFileSync(place.pathOf(first!))
  writeFileSync(place.pathOf(second!), Buffer.from('cut short'))
  place.times.clear()
  const next = place.start()
  await next.prepare(configOf(first!, second!))
  expect(place.times.size).toBe(2)
  expect(readFileSync(place.pathOf(first!)).equals(written)).toBe(true)
  expect(readFileSync(place.pathOf(second!)).length).toBeGreaterThan(100)
  expect(readdirSync(place.paths.workers)).toEqual([])
  expect(place.said).toEqual([])
  await next.stop()
})

test('a model that is none is told, and tried no more', async () => {
  using place = open()
  const broken = place.add(1, { bytes: Buffer.from('no graph') })
  const preparer = place.start()
  await preparer.prepare(configOf(broken))
  expect(place.times.size).toBe(0)
  expect(place.said.join('')).toMatch(/a version was not prepared.*small\/1/v)
  expect(existsSync(place.pathOf(broken))).toBe(false)
  expect(preparer.prepare(configOf(broken))).toBeUndefined()
  await preparer.stop()
})

test('a model that hangs is given up after a while, and at once when the gateway ends', async () => {
  using place = open({ limitMs: 3_000 })
  const hanging = place.add(1, hangingModel())
  const preparer = place.start()
  await preparer.prepare(configOf(hanging))
  expect(place.said.join('')).toContain('it took longer than 3000 ms')
  expect(place.times.size).toBe(0)
  await preparer.stop()
  using other = open()
  const again = other.start()
  const preparing = again.prepare(configOf(other.add(1, hangingModel())))
  await expect.poll(() => readdirSync(other.paths.workers)).toEqual(['preparation.process.json'])
  await again.stop()
  await preparing
  expect(readdirSync(other.paths.workers)).toEqual([])
  expect(other.said).toEqual([])
})
