// A prediction as JSON, for a report: written by hand, since most of it is the same as in the one before.
import type { PredictionRecord } from '../../gateway-report.ts'

interface Same extends Pick<PredictionRecord, 'endpoint' | 'version' | 'role' | 'assignedWith'> {
  readonly text: string
}

/** Of the prediction before: most are of the same version behind the same endpoint. */
let last: Same | undefined

function sameText({ endpoint, version, role, assignedWith }: PredictionRecord): string {
  const isLast =
    last?.version === version &&
    last.endpoint === endpoint &&
    last.role === role &&
    Object.is(last.assignedWith, assignedWith)
  if (isLast) return last!.text
  const text = JSON.stringify({ endpoint, version, role, assignedWith }).slice(1, -1)
  last = { endpoint, version, role, assignedWith, text }
  return text
}

/** @param prediction its id is made by us, of letters, digits, `_` and `.`; its numbers are finite */
export function predictionText(prediction: PredictionRecord): string {
  const { id, eventTimeMs, atMs, output, shadows } = prediction
  const scores = shadows.length === 0 ? '[]' : JSON.stringify(shadows)
  return `{"id":"${id}",${sameText(prediction)},"eventTimeMs":${eventTimeMs},"atMs":${atMs},"output":[${output.join(',')}],"shadows":${scores}}`
}
