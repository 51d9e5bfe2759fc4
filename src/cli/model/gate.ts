// trueloop model gate: how a version fared at its gate, check by check.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { StoredGate } from '../../models/gate-store.ts'
import { parseVersion } from '../../models/model-version.ts'
import { connect, type Session } from '../session.ts'
import { plain, timeText } from '../text.ts'

export async function modelGate(session: Session, reference: string): Promise<void> {
  const { model, version } = parseVersion(reference)
  const path = pathOf`/models/${model}/versions/${version}/gates`
  const gates = await connect(session).call({ path, answer: z.array(StoredGate) })
  session.terminal.show(gates, (value) => renderGates(value) || `${reference} has not been at a gate.`)
}

export const renderGates = (gates: readonly StoredGate[]): string => gates.map(renderGate).join('\n\n')

function renderGate(gate: StoredGate): string {
  const on = gate.datasetVersion ? ` on ${gate.datasetVersion}` : ''
  const beside =
    gate.champion === null ? ', with no champion to compare with' : `, beside ${gate.model}/${gate.champion}`
  const width = Math.max(...gate.checks.map(({ name }) => name.length))
  return [
    `${gate.passed ? 'passed' : 'FAILED'}  ${gate.id}  ${timeText(gate.atMs)}, judged by ${gate.judgedBy}${on}${beside}`,
    ...gate.checks.map(
      ({ name, passed, sentence }) => `  ${passed ? 'ok  ' : 'FAIL'} ${name.padEnd(width)}  ${plain(sentence)}`,
    ),
  ].join('\n')
}
