// How one check of a gate is written down. Pure.
import type { GateCheck } from '../gate-policy.ts'

export const check = (
  name: string,
  passed: boolean,
  rest: Pick<GateCheck, 'sentence'> & Partial<Omit<GateCheck, 'name' | 'passed'>>,
): GateCheck => ({ name, passed, observed: null, threshold: null, interval: null, n: null, ...rest })

/** Four significant digits, without needless zeros: 0.0123, 1234, 0.5. */
export function shown(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value)
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)))
}

export const rowsShown = (rows: number): string => rows.toLocaleString('en-US')

export const metricText = (metric: string): string => metric.replaceAll('_', ' ').replace('auc', 'AUC')
