// The time that a request says it is of (`Trueloop-Event-Time`), for endpoints on the event clock.
import type { Clock } from '../../platform/clock.ts'
import { DomainError } from '../../platform/errors.ts'
import { microsOf } from '../../models/time-value.ts'
import type { EndpointConfig } from '../gateway-config.ts'
import { eventTimeAheadMaxMs } from '../contract/gateway-limits.ts'

/**
 * Milliseconds since 1970, from ISO 8601 text or whole milliseconds; undefined without the header.
 * @throws DomainError event_time_refused: the endpoint is on the wall clock; event_time_invalid: no time, or one from the future, which
 * would move the watermark for good
 */
export function eventTimeOf(
  header: string | undefined,
  { name, clock }: EndpointConfig,
  now: Clock,
): number | undefined {
  if (header === undefined) return undefined
  if (clock !== 'event') {
    const message = `endpoint "${name}" is on the wall clock: leave out Trueloop-Event-Time, or give its loop clock: 'event'`
    throw new DomainError('invalid', 'event_time_refused', message)
  }
  const micros = microsOf(/^-?\d{1,15}$/v.test(header) ? Number(header) : header)
  if (micros === undefined) {
    const message = `Trueloop-Event-Time "${header.slice(0, 60)}" is neither ISO 8601 nor whole milliseconds since 1970`
    throw new DomainError('invalid', 'event_time_invalid', message)
  }
  const ms = Number(micros / 1000n)
  if (ms <= now() + eventTimeAheadMaxMs) return ms
  throw new DomainError(
    'invalid',
    'event_time_invalid',
    `Trueloop-Event-Time "${header.slice(0, 60)}" is more than a day ahead of now`,
  )
}
