// trueloop pipeline show: one pipeline run and how each of its steps went.
import { pathOf } from '../../client/http-client.ts'
import { PipelineRunDetail } from '../../pipelines/pipeline-run.ts'
import { systemClock } from '../../platform/clock.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { durationText, factLines, numberText, timeText } from '../text.ts'

export async function showPipeline(session: Session, id: string): Promise<void> {
  const run = await connect(session).call({ path: pathOf`/pipeline-runs/${id}`, answer: PipelineRunDetail })
  session.terminal.show(run, (value) => renderPipelineRun(value, systemClock()))
}

type Step = PipelineRunDetail['steps'][number]

export function renderPipelineRun(run: PipelineRunDetail, nowMs: number): string {
  const facts = factLines([
    ['pipeline run', run.id],
    ['pipeline', run.pipeline],
    ['state', run.state],
    ['why', run.reason],
    ['started', `${timeText(run.createdAtMs)} by ${run.actor}`],
    ['took', durationText((run.finishedAtMs ?? nowMs) - run.createdAtMs)],
  ])
  const steps = table(
    ['STEP', 'KIND', 'STATE', 'ATTEMPTS', 'TOOK', 'WHAT'],
    run.steps.map((step) => [
      step.name,
      step.kind,
      step.state,
      String(step.attempts.length),
      tookText(step, nowMs),
      noteOf(step),
    ]),
  )
  return `${facts}\n\n${steps}`
}

function tookText({ startedAtMs, finishedAtMs }: Step, nowMs: number): string {
  return startedAtMs === null ? '-' : durationText((finishedAtMs ?? nowMs) - startedAtMs)
}

function noteOf({ state, cachedFrom, errorMessage, errorCode, progress, progressText }: Step): string {
  if (cachedFrom !== null) return `taken from the cache: step run ${cachedFrom}`
  if (errorMessage !== null) return errorCode ? `${errorMessage} (${errorCode})` : errorMessage
  if (state !== 'running') return progressText ?? ''
  return [progress === null ? '' : `${numberText(Math.round(progress * 100))} %`, progressText ?? ''].join(' ').trim()
}
