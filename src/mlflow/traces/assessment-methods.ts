// MLflow's methods of assessments.
import { transact } from '../../platform/database.ts'
import {
  changeAssessment,
  createAssessment,
  deleteAssessment,
  getAssessment,
  type AssessmentChange,
} from '../../tracing/assessments.ts'
import { assertWritesTrace } from '../../tracing/write-scope.ts'
import type { Assessment as WireAssessment } from '../generated/messages.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { Call, Methods } from '../wire/method.ts'
import { expectationValue, feedbackValue, saidOf, wireOfAssessment } from './assessment-entities.ts'
import type { TraceDeps } from './deps.ts'
import { inOtherWords } from './trace-methods.ts'

/** What the path says; the requests have no such fields. */
const pathOf = ({ http }: Pick<Call<'getAssessment'>, 'http'>): { traceId: string; id: string } => {
  const { trace_id: traceId = '', assessment_id: id = '' } = http.params as Record<string, string>
  return { traceId, id }
}

const missingHere = (error: unknown): unknown => inOtherWords(error, (id) => `Trace with request_id '${id}' not found`)

export const assessmentMethods: Methods<TraceDeps> = {
  createAssessment: {
    permission: 'trace.write',
    async handle({ db }, call) {
      const said = saidOf(call.request.assessment ?? {})
      const { traceId } = pathOf(call)
      await assertWritesTrace(db, call.caller, traceId)
      const made = await transact(db, (trx) => createAssessment(trx, call.actor.clock, { traceId, said }))
      return { assessment: wireOfAssessment(made) }
    },
  },
  getAssessment: {
    permission: 'trace.read',
    async handle({ db }, call) {
      const { traceId, id } = pathOf(call)
      try {
        return { assessment: wireOfAssessment(await getAssessment(db, traceId, id)) }
      } catch (error) {
        throw missingHere(error)
      }
    },
  },
  updateAssessment: {
    permission: 'trace.write',
    async handle({ db }, call) {
      const change = { ...pathOf(call), ...changeOf(call.request.assessment ?? {}, call.request.update_mask ?? '') }
      await assertWritesTrace(db, call.caller, change.traceId)
      try {
        const changed = await transact(db, (trx) => changeAssessment(trx, call.actor.clock, change))
        return { assessment: wireOfAssessment(changed) }
      } catch (error) {
        throw missingHere(error)
      }
    },
  },
  deleteAssessment: {
    permission: 'trace.write',
    async handle({ db }, call) {
      const { traceId, id } = pathOf(call)
      await assertWritesTrace(db, call.caller, traceId)
      await transact(db, (trx) => deleteAssessment(trx, traceId, id))
      return {}
    },
  },
}

/** Only what the mask names is changed; a mask of protobuf's JSON has its names in camel case. */
function changeOf(wire: WireAssessment, mask: string): Omit<AssessmentChange, 'traceId' | 'id'> {
  const paths = new Set(
    mask.split(',').map((path) => path.trim().replaceAll(/[A-Z]/gv, (letter) => `_${letter.toLowerCase()}`)),
  )
  if (paths.has('expectation') && paths.has('feedback')) {
    throw invalidParameter('Cannot specify both `expectation` and `feedback` parameters.')
  }
  return {
    ...(paths.has('assessment_name') ? { name: wire.assessment_name ?? '' } : {}),
    ...(paths.has('feedback') ? { feedback: feedbackValue(wire.feedback ?? {}) } : {}),
    ...(paths.has('expectation') ? { expectation: { value: expectationValue(wire.expectation ?? {}) } } : {}),
    ...(paths.has('rationale') ? { rationale: wire.rationale ?? '' } : {}),
    ...(paths.has('metadata') ? { metadata: wire.metadata ?? {} } : {}),
  }
}
