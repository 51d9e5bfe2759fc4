// What the demo counts by month of event time: what ran, and what the first model alone would have done on the same flights.
import { addScore, emptyScores, scoreQuality, type ScoreHistogram } from '../../statistics/score-histogram.ts'
import { createSketch, mergeSketch, sketchQuantile, type QuantileSketch } from '../../statistics/quantile-sketch.ts'
import { table } from '../terminal.ts'

interface Month {
  days: number
  requests: number
  unanswered: number
  readonly latencies: QuantileSketch
  readonly ran: ScoreHistogram
  readonly first: ScoreHistogram
}

/** A flight that was answered: probabilities of arriving late. */
export interface ScoredFlight {
  readonly isLate: boolean
  readonly ran: number
  /** Of the first model, which may have answered it or not. */
  readonly first: number
}

export interface Scoreboard {
  addDay(dayMs: number, day: { requests: number; unanswered: number; latencies: QuantileSketch }): void
  addFlight(dayMs: number, flight: ScoredFlight): void
  render(): string
  /** Requests in all, and those that got no answer. */
  totals(): { days: number; requests: number; unanswered: number; p50Ms: number; p99Ms: number }
}

export function createScoreboard(): Scoreboard {
  const months = new Map<string, Month>()
  const monthOf = (dayMs: number): Month => {
    const name = new Date(dayMs).toLocaleString('en', { month: 'long', timeZone: 'UTC' })
    const known = months.get(name)
    if (known) return known
    const made = {
      days: 0,
      requests: 0,
      unanswered: 0,
      latencies: createSketch(),
      ran: emptyScores(),
      first: emptyScores(),
    }
    months.set(name, made)
    return made
  }
  const latenciesOfAll = (): QuantileSketch => {
    const all = createSketch()
    for (const { latencies } of months.values()) mergeSketch(all, latencies)
    return all
  }
  return {
    addDay(dayMs, { requests, unanswered, latencies }) {
      const month = monthOf(dayMs)
      month.days += 1
      month.requests += requests
      month.unanswered += unanswered
      mergeSketch(month.latencies, latencies)
    },
    addFlight(dayMs, { isLate, ran, first }) {
      const month = monthOf(dayMs)
      addScore(month.ran, ran, isLate ? 1 : 0)
      addScore(month.first, first, isLate ? 1 : 0)
    },
    render: () =>
      table(
        header,
        [...months].map(([name, month]) => rowOf(name, month)),
      ),
    totals() {
      const all = [...months.values()]
      const latencies = latenciesOfAll()
      return {
        days: all.reduce((sum, { days }) => sum + days, 0),
        requests: all.reduce((sum, { requests }) => sum + requests, 0),
        unanswered: all.reduce((sum, { unanswered }) => sum + unanswered, 0),
        p50Ms: sketchQuantile(latencies, 0.5),
        p99Ms: sketchQuantile(latencies, 0.99),
      }
    },
  }
}

const header = [
  'month',
  'days',
  'requests',
  'p50 ms',
  'p99 ms',
  'observed',
  'predicted',
  '(first)',
  'log loss',
  '(first)',
  'AUC',
  '(first)',
]

function rowOf(name: string, { days, requests, latencies, ran, first }: Month): string[] {
  const [live, alone] = [scoreQuality(ran), scoreQuality(first)]
  const fixed = (value: number, digits: number): string => value.toFixed(digits)
  return [
    name,
    String(days),
    requests.toLocaleString('en'),
    fixed(sketchQuantile(latencies, 0.5), 1),
    fixed(sketchQuantile(latencies, 0.99), 1),
    fixed(ran.sumObserved / ran.n, 3),
    fixed(ran.sumPredicted / ran.n, 3),
    fixed(first.sumPredicted / first.n, 3),
    fixed(live.logLoss.value, 4),
    fixed(alone.logLoss.value, 4),
    fixed(live.areaUnderCurve.value, 3),
    fixed(alone.areaUnderCurve.value, 3),
  ]
}
