// The loop's story: its decisions in order, as text for people. Pure.
import { dayMs } from './duration.ts'
import type { Decision, Evidence } from './policy-state.ts'

const kindWidth = 17

/**
 * One line a decision: policy time, what, why. `evidence` adds where the proof is.
 * `2001-04-20 13:00  training started   Attempt 2 trains on …`
 */
export function renderHistory(decisions: readonly Decision[], options: { evidence?: boolean } = {}): string {
  if (decisions.length === 0) return 'Nothing has happened yet.'
  const allMidnight = decisions.every(({ atMs }) => atMs % dayMs === 0)
  return decisions
    .flatMap(({ atMs, kind, sentence, evidence }) => {
      const at = new Date(atMs)
        .toISOString()
        .slice(0, allMidnight ? 10 : 16)
        .replace('T', ' ')
      const line = `${at}  ${kind.replaceAll('_', ' ').padEnd(kindWidth)}  ${sentence}`
      const proof = options.evidence ? evidenceText(evidence) : ''
      return proof ? [line, `${' '.repeat(at.length + kindWidth + 4)}${proof}`] : [line]
    })
    .join('\n')
}

/** `event 12, monitor calibration` */
function evidenceText(evidence: Evidence): string {
  const names: Record<keyof Evidence, string> = {
    eventSeq: 'event',
    monitor: 'monitor',
    datasetVersion: 'dataset version',
    pipelineRun: 'pipeline run',
    modelVersion: 'model version',
    gate: 'gate',
    rollout: 'rollout',
    command: 'command',
    actor: 'by',
  }
  return (Object.keys(names) as (keyof Evidence)[])
    .flatMap((key) => (evidence[key] === undefined ? [] : [`${names[key]} ${evidence[key]}`]))
    .join(', ')
}
