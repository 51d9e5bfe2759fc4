// A small made-up world: loans of which some default. From a given day on, another kind of borrower defaults: real concept drift.
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  binary,
  csv,
  dataset,
  expect,
  gate,
  gradientBoosting,
  loop,
  monitor,
  retrain,
  rollout,
} from '../../src/loop/index.ts'
import type { LoopSpec } from '../../src/loop/spec.ts'
import { createGenerator } from '../../src/statistics/random.ts'

export interface Loan {
  /** ISO 8601, UTC. */
  readonly time: string
  readonly amount: number
  readonly country: string
  readonly defaulted: 0 | 1
}

export const dayMs = 86_400_000
/** The first day of history. */
export const firstDayMs = Date.parse('2025-03-01T00:00:00Z')
/** Days that the first model learns from, its held-out ones included. */
export const historyDays = 14
/** The first day on which the world is another one. */
export const driftDay = historyDays + 3
const loansADay = 300
const countries = ['AT', 'BE', 'CH', 'DE']

/** Loans of one day, in order; the same on every machine. */
export function loansOf(day: number): Loan[] {
  const generator = createGenerator(`loans ${day}`)
  return Array.from({ length: loansADay }, (_, at) => {
    const amount = Math.round(1000 * Math.exp(generator.normal()) * 100) / 100
    const country = countries[generator.integer(countries.length)]!
    const isRisky = day < driftDay ? country === 'AT' || country === 'BE' : country === 'CH' || amount > 900
    const odds = (isRisky ? 0.9 : -1.8) + 0.3 * Math.log(amount / 1000)
    return {
      time: new Date(firstDayMs + day * dayMs + Math.floor((at * dayMs) / loansADay)).toISOString(),
      amount,
      country,
      defaulted: generator.uniform() < 1 / (1 + Math.exp(-odds)) ? 1 : 0,
    }
  })
}

/** Writes one day's loans, as they become known, beside those of the days before. */
export async function writeDay(folder: string, day: number): Promise<void> {
  const rows = loansOf(day).map(({ time, amount, country, defaulted }) => `${time},${amount},${country},${defaulted}`)
  const name = `${new Date(firstDayMs + day * dayMs).toISOString().slice(0, 10)}.csv`
  // Appears whole: an ingest may be listing the folder.
  const part = join(folder, `${name}.part`)
  await writeFile(part, `time,amount,country,defaulted\n${rows.join('\n')}\n`)
  await rename(part, join(folder, name))
}

export async function writeHistory(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (let day = 0; day < historyDays; day++) await writeDay(folder, day)
}

/** Decided by a few hundred requests of a few days. */
export const quickRollout = () =>
  rollout.shadowThenCanary({
    shadow: { minimumPairs: 300, minimumDays: 1 },
    // Few requests on a machine that does other things too: latency proves nothing here.
    canary: {
      minimumRequests: 100,
      errorMargin: 0.2,
      latencyRatioMargin: 20,
      slowRatioMargin: 20,
      lossMargin: 1,
      splitAlpha: 1e-6,
    },
    ramp: [0.5],
    watch: '1d',
  })

/** The loop over a folder of daily CSV files, its limits set for a few hundred rows a day. */
export function loansLoop(folder: string): LoopSpec {
  return loop({
    name: 'loans',
    clock: 'event',
    dataset: dataset('loans', {
      source: csv(join(folder, '*.csv')),
      timeColumn: 'time',
      expectations: [
        expect.column('amount').between(0, 1_000_000).quarantine(),
        expect.column('country').matches('^[A-Z]{2}$'),
        expect.column('defaulted').oneOf([0, 1]),
      ],
    }),
    target: binary('defaulted', '=', 1),
    labelDelay: '1d',
    features: ['time', 'amount', 'country'],
    training: {
      trainer: gradientBoosting({ iterations: 15, maxLeaves: 8, calendar: ['hour'] }),
      window: '2d',
      firstWindow: [isoDay(0), isoDay(historyDays)],
      holdout: '1d',
    },
    gate: [gate.minimumRows(200), gate.metric('auc', { min: 0.6 }), gate.notWorseThanChampion({ margin: 0.05 })],
    monitors: [monitor.logLoss({ window: '1d', openAfter: 3 }), monitor.drift('amount', { window: '1d' })],
    rollout: quickRollout(),
    // A day takes less than a second here: longer than what is on its way between two processes.
    retrain: retrain({ on: 'log_loss', cooldown: '3d', budget: { retrains: 2, per: '30d' } }),
  })
}

const isoDay = (day: number): string => new Date(firstDayMs + day * dayMs).toISOString().slice(0, 10)
