// A small made-up world of Seattle's weather: readings drawn from its real days, and rain that follows from them. From a given day on it
// follows otherwise, while the features stay as they were: concept drift, which only outcomes tell.
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { csv, loop, monitor, type Duration } from '../../src/loop/index.ts'
import type { LoopSpec } from '../../src/loop/spec.ts'
import { createGenerator, type Generator } from '../../src/statistics/random.ts'
import { quickRollout } from '../journeys/loans.ts'

interface Weather {
  readonly temp_max: number
  readonly temp_min: number
  readonly wind: number
}

export interface Reading extends Weather {
  /** ISO 8601, UTC. */
  readonly date: string
  /** Millimetres; 0 when it does not rain. */
  readonly precipitation: number
}

const dayMs = 86_400_000
/** The first day of history. */
const firstDayMs = Date.parse('2016-01-01T00:00:00Z')
/** Days that the first model learns from, its held-out ones included. */
export const historyDays = 28
/** The first day on which rain follows from other weather. */
export const driftDay = historyDays + 3
/** What a retrain learns from: enough for limits of its own, which want seven days. */
export const windowDays = 7
const readingsADay = 300
/** Degrees between the day's highest and lowest, as they are on most days. */
const usualRange = 8

const realDays = daysOf(join(import.meta.dirname, '../../node_modules/vega-datasets/data/seattle-weather.csv'))

/** Lines of `date,precipitation,temp_max,temp_min,wind,weather`. */
function daysOf(file: string): Weather[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1)
  return lines.map((line) => {
    const [, , temp_max, temp_min, wind] = line.split(',').map(Number) as [number, number, number, number, number]
    return { temp_max, temp_min, wind }
  })
}

const tenths = (value: number): number => Math.round(value * 10) / 10

/** About as on one of the real days. */
function weatherFrom(generator: Generator): Weather {
  const { temp_max, temp_min, wind } = realDays[generator.integer(realDays.length)]!
  return {
    temp_max: tenths(temp_max + generator.normal()),
    temp_min: tenths(temp_min + generator.normal()),
    wind: tenths(wind * Math.exp(0.1 * generator.normal())),
  }
}

/** Clouds keep days cool and nights warm, so that in Seattle days of a small range are wet; later days of a large one, and more of them. */
function oddsOfRain(day: number, { temp_max, temp_min }: Weather): number {
  const aboveUsual = temp_max - temp_min - usualRange
  return day < driftDay ? -0.4 - 0.5 * aboveUsual : 2.2 + 0.5 * aboveUsual
}

/** Readings of one day, in order; the same on every machine. */
export function readingsOf(day: number): Reading[] {
  const generator = createGenerator(`seattle weather ${day}`)
  return Array.from({ length: readingsADay }, (_, at) => {
    const weather = weatherFrom(generator)
    const isWet = generator.uniform() < 1 / (1 + Math.exp(-oddsOfRain(day, weather)))
    return {
      date: new Date(firstDayMs + day * dayMs + Math.floor((at * dayMs) / readingsADay)).toISOString(),
      precipitation: isWet ? tenths(0.1 + 10 * generator.uniform()) : 0,
      ...weather,
    }
  })
}

/** Writes one day's readings, as they become known, beside those of the days before. */
export async function writeReadings(folder: string, day: number): Promise<void> {
  const rows = readingsOf(day).map(({ date, precipitation, temp_max, temp_min, wind }) =>
    [date, precipitation, temp_max, temp_min, wind].join(','),
  )
  await writeFile(join(folder, `${isoDay(day)}.csv`), `date,precipitation,temp_max,temp_min,wind\n${rows.join('\n')}\n`)
}

export async function writeReadingHistory(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (let day = 0; day < historyDays; day++) await writeReadings(folder, day)
}

export const isoDay = (day: number): string => new Date(firstDayMs + day * dayMs).toISOString().slice(0, 10)

/** The example's loop over a folder of daily CSV files: what it says, with limits for a few hundred rows a day instead of one. */
export function seattleLoop(example: LoopSpec, folder: string): LoopSpec {
  const { trainer } = example.training
  if (trainer.trainer !== 'command') throw new Error('the example trains by a command')
  return loop({
    ...example,
    clock: 'event',
    labelDelay: example.labelDelay as Duration,
    dataset: { ...example.dataset, source: csv(join(folder, '*.csv')) },
    training: {
      trainer: { ...trainer, folds: 2 },
      window: `${windowDays}d`,
      firstWindow: [isoDay(0), isoDay(historyDays)],
      holdout: '1d',
    },
    gate: [example.gate],
    monitors: [
      // It opens when the new world has as many days as a retrain learns from and holds out, so that it learns from no others.
      monitor.calibration({ window: '1d', openAfter: windowDays + 1 }),
      monitor.drift('temp_max', { window: '1d' }),
    ],
    rollout: quickRollout(),
  })
}
