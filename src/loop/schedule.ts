// When a schedule is due: every so often, or by a cron expression in UTC. A pure function of the times that are passed in.
import { Cron } from 'croner'
import { z } from 'zod'
import { Duration, durationMs } from './duration.ts'

const leastMs = 60_000

const cronText = z.string().max(100).refine(isCron, 'a cron expression of five fields in UTC, such as "0 3 * * 1"')

export const Schedule = z.union([
  z.strictObject({ every: Duration.refine((text) => durationMs(text) >= leastMs, 'at least "1m"') }),
  z.strictObject({ cron: cronText }),
])
export type Schedule = Readonly<z.infer<typeof Schedule>>

function isCron(text: string): boolean {
  if (text.trim().split(/\s+/v).length !== 5) return false
  try {
    return new Cron(text, { timezone: 'UTC', paused: true }).nextRun(new Date(0)) !== null
  } catch {
    return false // croner throws on what is no expression, which is the answer asked for.
  }
}

/** The first due time after `afterMs`; a cron is read in UTC, so no hour is skipped or doubled. */
export function nextDueMs(schedule: Schedule, afterMs: number): number {
  if ('every' in schedule) return afterMs + durationMs(schedule.every)
  const next = new Cron(schedule.cron, { timezone: 'UTC', paused: true }).nextRun(new Date(afterMs))
  return next ? next.getTime() : Number.POSITIVE_INFINITY
}

export const scheduleText = (schedule: Schedule): string =>
  'every' in schedule ? `every ${schedule.every}` : `cron "${schedule.cron}"`
