// Checks of quality: metrics against bounds, calibration, the champion on the same rows, and slices. Pure.
import { check, metricText, rowsShown, shown } from './check.ts'
import type { GateCheck, GateInput } from '../gate-policy.ts'
import type { MetricName } from '../metric.ts'

export function thresholdChecks({ policy, evidence }: GateInput): GateCheck[] {
  const { metrics, rows: n } = evidence.candidate
  return Object.entries(policy.metrics).flatMap(([name, bounds]) => {
    const observed = metrics[name as MetricName]
    const text = metricText(name)
    const checks: GateCheck[] = []
    for (const side of ['min', 'max'] as const) {
      const threshold = bounds?.[side]
      if (threshold === undefined) continue
      if (observed === undefined) {
        checks.push(check(`metric:${name}`, false, { sentence: `${text} has no value on these rows`, threshold, n }))
        continue
      }
      const passed = side === 'min' ? observed >= threshold : observed <= threshold
      const wanted = side === 'min' ? 'at least' : 'at most'
      const sentence = `${text} is ${shown(observed)}, wanted ${wanted} ${shown(threshold)}`
      checks.push(check(`metric:${name}`, passed, { sentence, observed, threshold, n }))
    }
    return checks
  })
}

export function calibrationCheck({ policy, evidence }: GateInput): GateCheck[] {
  const { metrics, rows: n } = evidence.candidate
  const limits = [
    ['calibration_gap', policy.calibration?.gapMax, 'predicted and observed means differ by'],
    ['calibration_error', policy.calibration?.errorMax, 'the calibration error is'],
  ] as const
  return limits.flatMap(([name, threshold, text]) => {
    if (threshold === undefined) return []
    const value = metrics[name]
    if (value === undefined)
      return [
        check(`metric:${name}`, false, { sentence: `${metricText(name)} has no value on these rows`, threshold, n }),
      ]
    const observed = Math.abs(value)
    const passed = observed <= threshold
    const sentence = `${text} ${shown(observed)}, ${passed ? 'within' : 'above'} the ${shown(threshold)} allowed`
    return [check(`metric:${name}`, passed, { sentence, observed, threshold, n })]
  })
}

export function championCheck({ policy, candidate, champion, evidence }: GateInput): GateCheck {
  const rule = policy.notWorseThanChampion
  if (!champion) return check('champion', true, { sentence: 'there is no champion to compare with yet' })
  if (!rule)
    return check('champion', true, { sentence: `the policy does not compare with the champion ${champion.name}` })
  const { comparison } = evidence
  if (!comparison) {
    return check('champion', false, {
      sentence: `it could not be compared with ${champion.name} on the same rows: task or classes differ`,
    })
  }
  const { metric, rows: n, difference, lower, upper, confidence } = comparison
  const text = metricText(metric)
  const interval = { lower, upper, confidence }
  if (n === 0)
    return check('champion', false, {
      sentence: `no held-out row was answered by both ${candidate.name} and ${champion.name}`,
      n,
    })
  const passed = upper < rule.margin
  const beside = `${text} ${difference > 0 ? 'worse' : 'better'} by ${shown(Math.abs(difference))} than ${champion.name} on the same ${rowsShown(n)} rows`
  const reach = `${shown(confidence * 100)} % interval of "worse by" ${shown(lower)} to ${shown(upper)}`
  const judgement = passed ? `below the margin ${shown(rule.margin)}` : `not below the margin ${shown(rule.margin)}`
  const sentence = `${beside}; ${reach}, ${judgement}`
  return check('champion', passed, { sentence, observed: difference, threshold: rule.margin, interval, n })
}

/** One check for all slices when they hold, else one for each that does not. */
export function sliceCheck({ policy, champion, evidence }: GateInput): GateCheck[] {
  const rule = policy.slices
  if (!rule) return []
  if (!champion) return [check('slices', true, { sentence: 'there is no champion to compare slices with yet' })]
  const large = evidence.sliceComparisons.filter(({ comparison }) => comparison.rows >= rule.minRows)
  const worse = large.filter(({ comparison: { difference, lower } }) => difference > rule.margin && lower > 0)
  if (worse.length === 0) {
    const most = Math.max(...large.map(({ comparison }) => comparison.difference))
    const worst = large.length > 0 ? `; the worst by ${shown(most)}` : ''
    const sentence = `none of ${large.length} slices of at least ${rowsShown(rule.minRows)} rows is worse than the champion's by more than ${shown(rule.margin)}${worst}`
    return [check('slices', true, { sentence, observed: large.length > 0 ? most : null, threshold: rule.margin })]
  }
  return worse.map(({ name, comparison: { metric, rows: n, difference, lower, upper, confidence } }) => {
    const sentence = `on "${name}" ${metricText(metric)} is worse than the champion's by ${shown(difference)} (${shown(lower)} to ${shown(upper)}, ${rowsShown(n)} rows), more than ${shown(rule.margin)}`
    const interval = { lower, upper, confidence }
    return check(`slice:${name}`, false, { sentence, observed: difference, threshold: rule.margin, interval, n })
  })
}
