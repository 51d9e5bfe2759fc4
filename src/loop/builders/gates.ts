// Builders of the gate: the checks that a candidate must pass before it may serve. A loop's gate is all of those it lists.
import type { z } from 'zod'
import type { GatePolicy } from '../../models/gate-policy.ts'
import type { MetricName } from '../../models/metric.ts'

export type GateInput = z.input<typeof GatePolicy>
type Part<Key extends keyof GateInput> = NonNullable<GateInput[Key]>
type SliceInput = Part<'slices'>['by'][number]

/** Bounds of a metric on the held-out rows, inclusive. */
const metric = (name: MetricName, bounds: { min?: number; max?: number }): GateInput => ({
  metrics: { [name]: bounds },
})

/** What a candidate is checked for. Without a list, only that it answers enough rows that are later than all training. */
export const gate = {
  metric,
  /** Held-out rows that it must answer; 1000 by default. */
  minimumRows: (rows: number): GateInput => ({ minimumRows: rows }),
  /**
   * On the same held-out rows it is surely (by a bootstrap interval, 95 % by default) not worse than the champion by `margin` or more, in the
   * metric's unit; a margin below 0 wants it better by so much.
   */
  notWorseThanChampion: (options: Part<'notWorseThanChampion'> = {}): GateInput => ({ notWorseThanChampion: options }),
  /** No slice is worse than the champion's by more than `margin`, unless chance explains it. `by`: a column, or as in the reference. */
  slices: (by: string | readonly SliceInput[], options: Omit<Part<'slices'>, 'by'> = {}): GateInput => ({
    slices: { by: typeof by === 'string' ? [{ column: by }] : [...by], ...options },
  }),
  /** Milliseconds of loading and answering in a process of its own, such as `{ oneRowP99Ms: 5 }`. */
  latency: (limits: Part<'latency'>): GateInput => ({ latency: limits }),
  /** Bounds of |mean predicted - mean observed| and of the expected calibration error. */
  calibration: (limits: Part<'calibration'>): GateInput => ({ calibration: limits }),
  /** Inputs beside the champion's: `same`, `compatible` (the default: new ones are optional) or `any`. */
  signature: (rule: Part<'signature'>): GateInput => ({ signature: rule }),
} as const

/** One policy of all parts; of two that set the same thing, the later counts. */
export function combineGate(parts: readonly GateInput[]): GateInput {
  const all: GateInput = Object.assign({}, ...parts)
  const metrics: GateInput['metrics'] = Object.assign({}, ...parts.map((part) => part.metrics ?? {}))
  return { ...all, metrics }
}
