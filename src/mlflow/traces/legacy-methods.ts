// MLflow 2's methods of traces: a beginning, an end, what is known. Its clients write spans into files.
import { assertWritesIn } from '../../experiments/write-scope.ts'
import { transact } from '../../platform/database.ts'
import { hexId } from '../../platform/ids.ts'
import { getTrace } from '../../tracing/reading.ts'
import { endTrace, tellTrace } from '../../tracing/traces.ts'
import { assertWritesTrace } from '../../tracing/write-scope.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import type { TraceDeps } from './deps.ts'
import { legacyInfoOf, stateOf, textsOf } from './entities.ts'
import { msOfInteger } from './times.ts'

export const legacyTraceMethods: Methods<TraceDeps> = {
  startTrace: {
    permission: 'trace.write',
    async handle({ db }, { request, actor, caller }) {
      const id = hexId()
      const told = {
        id,
        experimentId: experimentIdOf(request.experiment_id || '0'),
        startedAtMs: msOfInteger(request.timestamp_ms ?? 0, 'timestamp_ms'),
        durationMs: null,
        state: 'IN_PROGRESS' as const,
        clientRequestId: null,
        requestPreview: null,
        responsePreview: null,
        tags: textsOf(request.tags),
        metadata: textsOf(request.request_metadata),
        isFinal: false,
      }
      await assertWritesIn(db, caller, told.experimentId)
      await transact(db, (trx) => tellTrace(trx, actor.clock, told))
      return { trace_info: legacyInfoOf(await getTrace(db, id)) }
    },
  },
  endTrace: {
    permission: 'trace.write',
    async handle({ db }, { request, caller }) {
      const end = {
        id: request.request_id ?? '',
        endedAtMs: msOfInteger(request.timestamp_ms ?? 0, 'timestamp_ms'),
        state: stateOf(request.status),
        tags: textsOf(request.tags),
        metadata: textsOf(request.request_metadata),
      }
      await assertWritesTrace(db, caller, end.id)
      await transact(db, (trx) => endTrace(trx, end))
      return { trace_info: legacyInfoOf(await getTrace(db, end.id)) }
    },
  },
  getTraceInfo: {
    permission: 'trace.read',
    handle: async ({ db }, { request }) => ({ trace_info: legacyInfoOf(await getTrace(db, request.request_id ?? '')) }),
  },
}
