// trueloop ab start: lets versions answer shares beside the champion until it is settled which is better.
import { AbMetric, AbTest } from '../../rollouts/ab-test.ts'
import { argumentInvalid, type ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

const dayMs = 86_400_000

export interface AbStartOptions extends ReasonOptions {
  readonly hypothesis: string
  readonly metric: string
  readonly share: string
  readonly effect: string
  readonly lower?: boolean
  readonly days: string
  readonly alpha: string
  readonly promote?: boolean
}

/** @throws DomainError argument_invalid */
function numberOf(text: string, flag: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw argumentInvalid(`${flag} ${text}: it takes a number that is not below 0`)
}

/** @throws DomainError argument_invalid */
function metricOf(text: string): AbMetric {
  const found = AbMetric.safeParse(text)
  if (found.success) return found.data
  throw argumentInvalid(`--metric ${text}: it takes ${AbMetric.options.join(', ')}`)
}

export async function startAbTest(
  session: Session,
  [endpoint, versions]: readonly [string, readonly string[]],
  options: AbStartOptions,
): Promise<void> {
  const weight = numberOf(options.share, '--share')
  const body = {
    endpoint,
    hypothesis: options.hypothesis,
    treatments: versions.map((version) => ({ version, weight })),
    metric: metricOf(options.metric),
    direction: options.lower ? 'lower' : 'higher',
    minimumEffect: numberOf(options.effect, '--effect'),
    alpha: numberOf(options.alpha, '--alpha'),
    maximumMs: numberOf(options.days, '--days') * dayMs,
    whenBetter: options.promote ? 'promote' : 'tell',
    reason: options.reason,
  }
  const test = await connect(session).call({ method: 'POST', path: '/ab-tests', body, answer: AbTest })
  session.terminal.show(
    test,
    ({ id, control }) =>
      `A/B test ${id} compares ${versions.join(', ')} with ${control}; "trueloop ab show ${id}" tells what is found.`,
  )
}
