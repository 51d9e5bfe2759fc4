// The demo's planned failures: when each begins, and how.

export interface PlannedFailure {
  /** Not before this day of event time. */
  readonly fromMs: number
  begin(now: { nowMs: number }): Promise<void>
}

export function plannedFailures(_input: unknown): PlannedFailure[] {
  return []
}
