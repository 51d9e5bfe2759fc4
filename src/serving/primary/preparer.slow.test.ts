// Versions are loaded by a process of its own before a worker meets them; what cannot be is left to the workers.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  decodePreparation,
  encodePreparation,
  isPreparationWhole,
  notMeasured,
  preparationName,
} from '../../models/preparation.ts'
import { smallModel } from '../../models/testing.ts'
import { createLog, silentLog } from '../../platform/log.ts'
import { monotonicMs, systemClock } from '../../platform/clock.ts'
import type { Variant } from '../gateway-config.ts'
import { gatewayPaths } from '../gateway-worker.ts'
import { slowModel } from '../testing/models.ts'
import { smallBaseline, storeModels, testVariant, type TestModel } from '../testing.ts'
import { loadLocally } from '../worker/local-version.ts'
import { createPreparer } from './preparer.ts'

const waited = { isWaitedFor: true }

function open({ limitMs = 60_000 } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-prepare-'))
  const paths = gatewayPaths(home)
  const said: string[] = []
  const log = createLog({ level: 'info', format: 'json', clock: systemClock, write: (line) => void said.push(line) })
  const start = () => createPreparer({ paths, log, limitMs })
  return {
    paths,
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
  const [first, second] = [1, 2].map((weight) => place.add(weight, { bytes: smallModel({ weight }) })) as [
    Variant,
    Variant,
  ]
  const preparer = place.start()
  expect(preparer.loadMs(first)).toBeUndefined()
  await preparer.prepare([first, second], waited)
  for (const variant of [first, second]) expect(preparer.loadMs(variant)).toBeGreaterThan(0)
  expect(preparer.prepare([second], waited)).toBeUndefined()
  // Its bytes are not there.
  expect(preparer.prepare([testVariant(3, { bytes: smallModel({ weight: 3 }) })], waited)).toBeUndefined()
  // It went with its model, which came back.
  rmSync(place.pathOf(second))
  expect(preparer.loadMs(second)).toBeUndefined()
  await preparer.prepare([first, second], waited)
  expect(preparer.loadMs(second)).toBeGreaterThan(0)
  await preparer.stop()
  const written = readFileSync(place.pathOf(first))
  const broken = Buffer.from(readFileSync(place.pathOf(second)))
  broken[broken.length - 1]! ^= 1
  writeFileSync(place.pathOf(second), broken)
  const next = place.start()
  await next.prepare([first, second], waited)
  expect(next.loadMs(first)).toBe(preparer.loadMs(first))
  expect(readFileSync(place.pathOf(first)).equals(written)).toBe(true)
  expect(isPreparationWhole(readFileSync(place.pathOf(second)))).toBe(true)
  expect(readdirSync(place.paths.workers)).toEqual([])
  expect(place.said).toEqual([])
  await next.stop()
})

test('what runs cost is measured once, and a worker that loads the version goes by it', async () => {
  using place = open()
  const variant = place.add(1, { bytes: smallModel() })
  const preparer = place.start()
  await preparer.prepare([variant], waited)
  await preparer.stop()
  const { runs } = (await decodePreparation(readFileSync(place.pathOf(variant)), variant.signature))!
  expect(runs.map(({ rows }) => rows)).toEqual([1, 1, 32, 32])
  for (const { ms } of runs) expect(ms).toBeLessThan(1_000)
  const loaded = await loadLocally({ modelDirectory: place.paths.models, nowMs: monotonicMs, log: silentLog }, variant)
  await loaded.model.release()
  expect(loaded.measured).toMatchObject({
    runs,
    oneMs: Math.min(...runs.slice(0, 2).map(({ ms }) => ms)),
    manyMs: Math.min(...runs.slice(2).map(({ ms }) => ms)),
  })
})

test('what was never measured is prepared anew', async () => {
  using place = open()
  const variant = place.add(1, { bytes: smallModel() })
  const bytes = await encodePreparation(variant.signature, {
    loadMs: notMeasured,
    runs: [],
    proof: { trees: undefined, isLinear: false },
  })
  writeFileSync(place.pathOf(variant), bytes)
  const preparer = place.start()
  await preparer.prepare([variant], waited)
  expect(preparer.loadMs(variant)).toBeGreaterThan(0)
  await preparer.stop()
})

test('a model that is none is told, and tried no more', async () => {
  using place = open()
  const broken = place.add(1, { bytes: Buffer.from('no graph') })
  const preparer = place.start()
  await preparer.prepare([broken], waited)
  expect(place.said.join('')).toMatch(/a version was not prepared.*small\/1/v)
  expect([preparer.loadMs(broken), preparer.hasFailed(broken)]).toEqual([undefined, true])
  expect(preparer.prepare([broken], waited)).toBeUndefined()
  await preparer.stop()
})

test('a model that hangs is given up after a while, and at once when the gateway ends', async () => {
  using place = open({ limitMs: 3_000 })
  const hanging = place.add(1, hangingModel())
  const preparer = place.start()
  await preparer.prepare([hanging], waited)
  expect(place.said.join('')).toContain('it took longer than 3000 ms')
  expect(preparer.hasFailed(hanging)).toBe(true)
  await preparer.stop()
  using other = open()
  const again = other.start()
  const preparing = again.prepare([other.add(1, hangingModel())], waited)
  await expect.poll(() => readdirSync(other.paths.workers)).toEqual(['preparation.process.json'])
  await again.stop()
  await preparing
  expect(readdirSync(other.paths.workers)).toEqual([])
  expect(other.said).toEqual([])
})

test('what is waited for ends what nobody waits for, which has its turn later', async () => {
  using place = open()
  const [hanging, urgent] = [place.add(1, hangingModel()), place.add(2, { bytes: smallModel({ weight: 2 }) })]
  const preparer = place.start()
  const idle = preparer.prepare([hanging, urgent], { isWaitedFor: false })
  await preparer.prepare([urgent], waited)
  expect(preparer.loadMs(urgent)).toBeGreaterThan(0)
  await idle
  expect(preparer.hasFailed(hanging)).toBe(false)
  expect(preparer.prepare([hanging], { isWaitedFor: false })).toBeDefined()
  await preparer.stop()
  expect(place.said).toEqual([])
})
