// trueloop model approve and reject: a person's word on a version, in place of a gate's.
import { pathOf } from '../../client/http-client.ts'
import { ModelVersion, parseVersion, versionText } from '../../models/model-version.ts'
import type { ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export interface Judgement extends ReasonOptions {
  readonly state: 'approved' | 'rejected'
}

export async function judgeModel(session: Session, reference: string, body: Judgement): Promise<void> {
  const { model, version } = parseVersion(reference)
  const path = pathOf`/models/${model}/versions/${version}/state`
  const judged = await connect(session).call({ method: 'PUT', path, body, answer: ModelVersion })
  session.terminal.show(judged, (value) => `${versionText(value)} is ${value.state}.`)
}
