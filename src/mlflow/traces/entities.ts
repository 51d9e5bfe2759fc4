// Traces on the wire and back, as MLflow 3 and as MLflow 2 know them.
import { metadataOf } from '../../tracing/metadata.ts'
import type { Trace, TraceState } from '../../tracing/trace.ts'
import type { ToldTrace } from '../../tracing/traces.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { TraceInfo, TraceInfoV3, TraceStatus } from '../generated/messages.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { saidOf, wireOfAssessment } from './assessment-entities.ts'
import { durationOf, msOfDuration, msOfTimestamp, timestampOf } from './times.ts'

/** What clients are shown of a key and of a value, in characters. */
const shown = { key: 250, tag: 4096, metadata: 250 } as const

type Texts = Readonly<Record<string, string>>

const cut = (text: string, max: number): string => (text.length <= max ? text : Array.from(text).slice(0, max).join(''))

const cutAll = (texts: Texts, valueMax: number): Texts =>
  Object.fromEntries(Object.entries(texts).map(([key, value]) => [cut(key, shown.key), cut(value, valueMax)]))

const unlessEmpty = <Key extends string, T extends object>(key: Key, value: T): { [K in Key]?: T } =>
  (Object.keys(value).length > 0 ? { [key]: value } : {}) as { [K in Key]?: T }

/** Session, tokens and cost are among it. */
export const allMetadataOf = (trace: Trace): Texts => ({ ...trace.metadata, ...metadataOf(trace) })

export function infoOf(trace: Trace): TraceInfoV3 {
  return {
    trace_id: trace.id,
    ...(trace.clientRequestId === null ? {} : { client_request_id: trace.clientRequestId }),
    trace_location: {
      type: 'MLFLOW_EXPERIMENT',
      mlflow_experiment: { experiment_id: String(trace.experimentId) },
    },
    ...(trace.requestPreview === null ? {} : { request_preview: trace.requestPreview }),
    ...(trace.responsePreview === null ? {} : { response_preview: trace.responsePreview }),
    request_time: timestampOf(trace.startedAtMs),
    ...(trace.durationMs === null ? {} : { execution_duration: durationOf(trace.durationMs) }),
    state: trace.state,
    ...unlessEmpty('trace_metadata', cutAll(allMetadataOf(trace), shown.metadata)),
    ...unlessEmpty('assessments', trace.assessments.map(wireOfAssessment)),
    ...unlessEmpty('tags', cutAll(trace.tags, shown.tag)),
  }
}

const statusOf = (state: TraceState): TraceStatus =>
  state === 'STATE_UNSPECIFIED' ? 'TRACE_STATUS_UNSPECIFIED' : state

export const stateOf = (status: TraceStatus | undefined): TraceState =>
  status === undefined || status === 'TRACE_STATUS_UNSPECIFIED' ? 'STATE_UNSPECIFIED' : status

const pairsOf = (texts: Texts): { key: string; value: string }[] =>
  Object.entries(texts).map(([key, value]) => ({ key, value }))

/** A trace that runs has no duration, which MLflow 2 writes as 0. */
export function legacyInfoOf(trace: Trace): TraceInfo {
  return {
    request_id: trace.id,
    experiment_id: String(trace.experimentId),
    timestamp_ms: trace.startedAtMs,
    execution_time_ms: trace.durationMs ?? 0,
    status: statusOf(trace.state),
    ...unlessEmpty('request_metadata', pairsOf(cutAll(allMetadataOf(trace), shown.metadata))),
    ...unlessEmpty('tags', pairsOf(cutAll(trace.tags, shown.tag))),
  }
}

const cutKeys = (texts: Texts = {}): Texts =>
  Object.fromEntries(Object.entries(texts).map(([key, value]) => [cut(key, shown.key), value]))

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function toldOf(info: TraceInfoV3): ToldTrace {
  const experimentId = info.trace_location?.mlflow_experiment?.experiment_id
  if (!experimentId) {
    throw invalidParameter(
      "Missing value for required parameter 'trace.trace_info.trace_location.mlflow_experiment.experiment_id'. See the API docs for more information about request parameters.",
    )
  }
  return {
    id: info.trace_id ?? '',
    experimentId: experimentIdOf(experimentId),
    startedAtMs: info.request_time ? msOfTimestamp(info.request_time, 'trace.trace_info.request_time') : 0,
    durationMs: info.execution_duration
      ? msOfDuration(info.execution_duration, 'trace.trace_info.execution_duration')
      : null,
    state: info.state ?? 'STATE_UNSPECIFIED',
    clientRequestId: info.client_request_id ?? null,
    requestPreview: info.request_preview ?? null,
    responsePreview: info.response_preview ?? null,
    tags: cutKeys(info.tags),
    metadata: cutKeys(info.trace_metadata),
    assessments: (info.assessments ?? []).map(saidOf),
    isFinal: true,
  }
}

/** The pairs of MLflow 2's requests. */
export const textsOf = (
  pairs: readonly { readonly key?: string | undefined; readonly value?: string | undefined }[] = [],
): Texts => cutKeys(Object.fromEntries(pairs.map(({ key = '', value = '' }) => [key, value])))
