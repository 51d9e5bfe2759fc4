// Which rows a training may read at a moment of policy time: labels must be known, and the held-out rows come last. Pure.
import { dayMs } from './duration.ts'
import type { LoopState, PolicySettings, TrainingWindow } from './policy-state.ts'

const floorDay = (ms: number): number => Math.floor(ms / dayMs) * dayMs
const ceilDay = (ms: number): number => Math.ceil(ms / dayMs) * dayMs

const split = (fromMs: number, toMs: number, holdoutMs: number): TrainingWindow => ({
  training: { fromMs, toMs: toMs - holdoutMs },
  holdout: { fromMs: toMs - holdoutMs, toMs },
})

/** Whole days (UTC) where the holdout is at least a day, so that two triggers of one day read the same rows. */
const wholeDays = (settings: PolicySettings): boolean => settings.holdoutMs >= dayMs

/** The end of what may be read at `nowMs`: what happened up to then has its label. */
function knownUntilMs(settings: PolicySettings, nowMs: number): number {
  const knownMs = nowMs - settings.labelDelayMs
  return wholeDays(settings) ? floorDay(knownMs) : knownMs
}

/** Where the dataset's rows end; a day with rows counts as whole. */
function rowsUntilMs(settings: PolicySettings, timeMaxMs: number | null): number {
  if (timeMaxMs === null) return Number.POSITIVE_INFINITY
  return wholeDays(settings) ? ceilDay(timeMaxMs + 1) : timeMaxMs + 1
}

type Moment = Pick<LoopState, 'nowMs' | 'dataset' | 'champion'>

/**
 * The window of the next training. The first model has its own where the loop file names one; every other is the last `window + holdout`
 * before the last known label, or before the dataset's end where that is earlier.
 */
export function nextTrainingWindow(settings: PolicySettings, state: Moment): TrainingWindow {
  const { firstWindow, holdoutMs, windowMs } = settings
  if (state.champion === null && firstWindow) return split(firstWindow.fromMs, firstWindow.toMs, holdoutMs)
  const rowsUntil = rowsUntilMs(settings, state.dataset?.timeMaxMs ?? null)
  const toMs = Math.min(knownUntilMs(settings, state.nowMs), rowsUntil)
  return split(toMs - holdoutMs - windowMs, toMs, holdoutMs)
}

/** Whether the newest rows must be fetched before this training: the stored ones end before the window does. */
export function needsIngest(settings: PolicySettings, state: Moment): boolean {
  if (!state.dataset) return true
  if (state.champion === null && settings.firstWindow) return !coversHoldout(state, nextTrainingWindow(settings, state))
  return rowsUntilMs(settings, state.dataset.timeMaxMs) < knownUntilMs(settings, state.nowMs)
}

/** Whether there are rows in the held-out part, as far as the dataset's last time stamp tells. */
export function coversHoldout(state: Pick<LoopState, 'dataset'>, window: TrainingWindow): boolean {
  if (!state.dataset || state.dataset.rows === 0) return false
  const { timeMaxMs } = state.dataset
  return timeMaxMs === null || timeMaxMs >= window.holdout.fromMs
}
