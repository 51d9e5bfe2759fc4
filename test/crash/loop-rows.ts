// For crash tests: a small loop on synthetic rows that a seeded generator makes, a day of them at a time.
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binary, csv, dataset, expect, gate, gradientBoosting, loop, retrain } from '../../src/loop/index.ts'
import type { LoopSpec } from '../../src/loop/index.ts'
import { createGenerator, type Generator } from '../../src/statistics/random.ts'

export const loopName = 'crash'
export const dayMs = 86_400_000
const firstDayMs = Date.UTC(2001, 0, 1)
const rowsPerDay = 150
/** Days of the first window; every retrain reads one day more. */
const firstDays = 28

const shops = ['north', 'south', 'east', 'west'] as const

export interface Row {
  readonly at: string
  readonly amount: number
  readonly shop: (typeof shops)[number]
  readonly isLarge: boolean
}

/** One row of a day: the label follows the amount and the shop, with noise. */
export function rowOf(random: Generator, day: number): Row {
  const at = new Date(firstDayMs + (day + random.uniform()) * dayMs).toISOString()
  const amount = Math.round(random.normal() * 1000) / 1000
  const shop = shops[random.integer(shops.length)]!
  const score = amount * 2 + (shop === 'north' ? 1 : 0)
  return { at, amount, shop, isLarge: random.uniform() < 1 / (1 + Math.exp(-score)) }
}

export interface CrashRows {
  readonly spec: LoopSpec
  /** Days that the file holds; the next one is `today`. */
  readonly today: number
  /** The file grows by a day; whole, so that nobody reads half of it. */
  nextDay(): void
}

/** @param iterations of training: 10 take less than a step's start */
export function createRows(directory: string, seed: string, { iterations = 10 } = {}): CrashRows {
  const path = join(directory, 'rows.csv')
  const random = createGenerator(seed).fork('rows')
  let text = 'at,amount,shop,large\n'
  let today = 0
  const addDay = (): void => {
    for (let row = 0; row < rowsPerDay; row++) {
      const { at, amount, shop, isLarge } = rowOf(random, today)
      text += `${at},${amount},${shop},${isLarge ? 1 : 0}\n`
    }
    today++
  }
  const write = (): void => {
    writeFileSync(`${path}.part`, text)
    renameSync(`${path}.part`, path)
  }
  while (today < firstDays) addDay()
  write()
  return {
    spec: specOf(path, iterations),
    get today() {
      return today
    },
    nextDay() {
      addDay()
      write()
    },
  }
}

function specOf(path: string, iterations: number): LoopSpec {
  return loop({
    name: loopName,
    clock: 'event',
    dataset: dataset('rows', {
      source: csv(path),
      timeColumn: 'at',
      expectations: [expect.column('large').notNull()],
    }),
    target: binary('large', '>', 0),
    features: ['amount', 'shop'],
    training: {
      trainer: gradientBoosting({ iterations, maxLeaves: 8 }),
      firstWindow: ['2001-01-01', '2001-01-29'],
      window: '21d',
      holdout: '3d',
    },
    gate: [gate.minimumRows(100), gate.metric('auc', { min: 0.55 })],
    rollout: { shadow: null, canary: null, watchMs: 0 },
    retrain: retrain({ on: [], cooldown: '1m' }),
  })
}
