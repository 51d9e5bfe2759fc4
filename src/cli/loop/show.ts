// trueloop loop show: one loop: where it stands, what it waits for, what it was told to be.
import { connect, type Session } from '../session.ts'
import { codeText, factLines, numberText, timeText } from '../text.ts'
import { readLoop, type LoopDetail } from './loop-view.ts'

export async function showLoop(session: Session, loop: string): Promise<void> {
  session.terminal.show(await readLoop(connect(session), loop), (detail) => renderLoop(loop, detail))
}

export function renderLoop(loop: string, { version, code, appliedBy, appliedMs, state }: LoopDetail): string {
  const { attempt, dataset } = state
  const facts = factLines([
    ['loop', loop],
    ['version', `${version}, applied ${timeText(appliedMs)} by ${appliedBy}`],
    ['code', codeText(code)],
    ['phase', state.paused ? `${state.phase.replaceAll('_', ' ')} (paused)` : state.phase.replaceAll('_', ' ')],
    ['champion', state.champion ?? 'none yet'],
    [
      'watched',
      state.watch ? `until ${timeText(state.watch.untilMs)}, ${state.watch.former} being kept loaded` : undefined,
    ],
    [
      'dataset',
      dataset
        ? `${dataset.version}, ${numberText(dataset.rows)} rows up to ${timeText(dataset.timeMaxMs)}`
        : 'none yet',
    ],
    [
      'attempt',
      attempt ? `${attempt.number} since ${timeText(attempt.beganMs)}, because ${attempt.trigger.reason}` : undefined,
    ],
    ['candidate', attempt?.candidate ?? undefined],
    ['waits', state.heldFor ?? undefined],
    ['attempts', numberText(state.attempts)],
    ['policy time', state.nowMs > 0 ? timeText(state.nowMs) : undefined],
  ])
  const alerts = state.openAlerts.map(({ sentence, openedMs }) => `! since ${timeText(openedMs)}: ${sentence}`)
  return [facts, ...alerts].join('\n')
}
