// MLflow 3's methods of traces: telling, reading, tags, links, deletion. Searches are another file's.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { transact } from '../../platform/database.ts'
import { sleep } from '../../platform/clock.ts'
import { assertUnscoped, assertWritesIn, assertWritesRun } from '../../experiments/write-scope.ts'
import type { Caller } from '../../governance/access.ts'
import { DomainError } from '../../platform/errors.ts'
import { tagKeys } from '../../tracing/keys.ts'
import { getTrace, getTraces, readWithSpans, type TraceWithSpans } from '../../tracing/reading.ts'
import { spansHere } from '../../tracing/trace.ts'
import { deleteTraces, linkPrompts, linkToRun, removeTag, setTag, tellTrace } from '../../tracing/traces.ts'
import { assertWritesTrace } from '../../tracing/write-scope.ts'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import type { DeleteTraces, Int64, Span, Trace as WireTrace } from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { fittedTag } from '../tracking/names.ts'
import type { TraceDeps } from './deps.ts'
import { infoOf, toldOf } from './entities.ts'
import { wireOfContent } from './span-wire.ts'
import { readSpansFile } from './spans-file.ts'
import { msOfInteger } from './times.ts'

const read = 'trace.read' as const
const write = 'trace.write' as const

export const traceMethods: Methods<TraceDeps> = {
  startTraceV3: {
    permission: write,
    async handle({ db }, { request, actor, caller }) {
      const told = toldOf(request.trace?.trace_info ?? {})
      await assertWritesIn(db, caller, told.experimentId)
      await assertWritesTrace(db, caller, told.id)
      await transact(db, (trx) => tellTrace(trx, actor.clock, told))
      return { trace: { trace_info: infoOf(await getTrace(db, told.id)) } }
    },
  },
  getTraceInfoV3: {
    permission: read,
    handle: async ({ db }, { request }) => ({
      trace: { trace_info: infoOf(await getTrace(db, request.trace_id ?? '')) },
    }),
  },
  getTrace: {
    permission: read,
    async handle(deps, { request }) {
      const { trace_id: id = '', allow_partial: isPartial = false } = request
      return { trace: await readWhole(deps, id, isPartial) }
    },
  },
  batchGetTraces: {
    permission: read,
    async handle(deps, { request, sent }) {
      const found = await readWithSpans(deps.db, request.trace_ids ?? [])
      const within = sent.has('experiment_ids') ? (request.experiment_ids ?? []).map(experimentIdOf) : undefined
      const traces: WireTrace[] = []
      for (const each of found) {
        if (within && !within.includes(each.trace.experimentId)) continue
        const spans = await spansOf(deps, each)
        if (spans && spans.length > 0 && each.isComplete) traces.push({ trace_info: infoOf(each.trace), spans })
      }
      return traces.length > 0 ? { traces } : {}
    },
  },
  batchGetTraceInfos: {
    permission: read,
    async handle({ db }, { request, sent }) {
      const found = await getTraces(db, request.trace_ids ?? [])
      const within = sent.has('experiment_ids') ? (request.experiment_ids ?? []).map(experimentIdOf) : undefined
      const infos = found.filter((trace) => within?.includes(trace.experimentId) ?? true).map(infoOf)
      return infos.length > 0 ? { trace_infos: infos } : {}
    },
  },
  linkTracesToRun: {
    permission: write,
    async handle({ db }, { request, caller }) {
      await assertWritesRun(db, caller, request.run_id ?? '')
      await transact(db, (trx) => linkToRun(trx, request.run_id ?? '', request.trace_ids ?? []))
      return {}
    },
  },
  linkPromptsToTrace: {
    permission: write,
    async handle({ db }, { request, caller }) {
      await assertWritesTrace(db, caller, request.trace_id ?? '')
      const prompts = (request.prompt_versions ?? []).map(({ name = '', version = '' }) => ({
        name,
        version: versionOf(version),
      }))
      await transact(db, (trx) => linkPrompts(trx, request.trace_id ?? '', prompts))
      return {}
    },
  },
}

function versionOf(text: string): number {
  const version = /^\s*\d{1,15}\s*$/v.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(version)) throw invalidParameter(`Invalid prompt version '${text}'. It must be an integer.`)
  return version
}

/** Spans may arrive after what is known of the whole trace. */
const waitsMs = [1000, 2000]

async function readWhole(deps: TraceDeps, id: string, isPartial: boolean): Promise<WireTrace> {
  for (const waitMs of [...(isPartial ? [] : waitsMs), 0]) {
    const [found] = await readWithSpans(deps.db, [id])
    if (!found) throw mlflowError('RESOURCE_DOES_NOT_EXIST', `Trace with ID ${id} is not found.`)
    const spans = await spansOf(deps, found)
    if (isPartial || (spans && spans.length > 0 && found.isComplete)) {
      return { trace_info: infoOf(found.trace), ...(spans && spans.length > 0 ? { spans } : {}) }
    }
    if (waitMs > 0) await sleep(waitMs)
  }
  throw mlflowError('RESOURCE_DOES_NOT_EXIST', `Trace with ID ${id} is not fully exported yet, please try again later.`)
}

/** @throws MlflowError INTERNAL_ERROR when there are neither spans here nor a file of them */
async function spansOf(deps: TraceDeps, { trace, contents }: TraceWithSpans): Promise<Span[] | undefined> {
  if (contents) return wireOfContents(contents)
  const spans = await readSpansFile(deps, trace)
  if (spans === undefined && trace.tags[tagKeys.spansLocation] !== spansHere) {
    throw mlflowError('INTERNAL_ERROR', 'Trace data not stored in tracking store')
  }
  return spans
}

/** Read in one turn of the event loop: some milliseconds. */
const spansPerTurn = 256

async function wireOfContents(contents: readonly string[]): Promise<Span[]> {
  const spans: Span[] = []
  for (const [index, content] of contents.entries()) {
    if (index > 0 && index % spansPerTurn === 0) await nextTurn()
    spans.push(wireOfContent(content))
  }
  return spans
}

type TagMethods = 'setTraceTag' | 'setTraceTagV3' | 'deleteTraceTag' | 'deleteTraceTagV3'
/** These keep the books of where spans are. */
const unsettable = new Set([tagKeys.spansLocation, 'mlflow.trace.archiveLocation', 'mlflow.trace.archivalFailure'])
const deletable = new Set(['mlflow.trace.archivalFailure'])

const immutable = (key: string, verb: 'set' | 'deleted'): Error =>
  invalidParameter(`Tag '${key}' is immutable and cannot be ${verb} on a trace.`)

/** Whose tag, and who asks. */
interface Of {
  readonly id: string
  readonly caller: Caller
}

async function setTagOf(deps: TraceDeps, of: Of, sent: { key?: string; value?: string }): Promise<object> {
  if (unsettable.has(sent.key ?? '')) throw immutable(sent.key ?? '', 'set')
  const tag = fittedTag(sent, { truncates: deps.truncatesLongValues })
  await assertWritesTrace(deps.db, of.caller, of.id)
  await transact(deps.db, (trx) => setTag(trx, of.id, tag))
  return {}
}

async function removeTagOf(deps: TraceDeps, of: Of, key: string): Promise<object> {
  if (unsettable.has(key) && !deletable.has(key)) throw immutable(key, 'deleted')
  await assertWritesTrace(deps.db, of.caller, of.id)
  await transact(deps.db, (trx) => removeTag(trx, of.id, key))
  return {}
}

const tagOf = ({ key, value }: { key?: string | undefined; value?: string | undefined }) => ({
  ...(key === undefined ? {} : { key }),
  ...(value === undefined ? {} : { value }),
})

export const traceTagMethods: Pick<Methods<TraceDeps>, TagMethods> = {
  setTraceTag: {
    permission: write,
    handle: (deps, { request, caller }) => setTagOf(deps, { id: request.request_id ?? '', caller }, tagOf(request)),
  },
  setTraceTagV3: {
    permission: write,
    handle: (deps, { request, caller }) => setTagOf(deps, { id: request.trace_id ?? '', caller }, tagOf(request)),
  },
  deleteTraceTag: {
    permission: write,
    handle: (deps, { request, caller }) =>
      removeTagOf(deps, { id: request.request_id ?? '', caller }, request.key ?? ''),
  },
  deleteTraceTagV3: {
    permission: write,
    handle: (deps, { request, caller }) => removeTagOf(deps, { id: request.trace_id ?? '', caller }, request.key ?? ''),
  },
}

async function deleteAll(
  deps: TraceDeps,
  { request, caller }: { request: DeleteTraces; caller: Caller },
): Promise<{ traces_deleted: number }> {
  assertUnscoped(caller)
  const { max_timestamp_millis: until, max_traces: max, request_ids: ids = [] } = request
  const experimentId = checkedDeletion(until, max, ids) && experimentIdOf(request.experiment_id ?? '')
  const deleted = await deleteTraces(deps.db, {
    experimentId,
    untilMs: until === undefined ? undefined : msOfInteger(until, 'max_timestamp_millis'),
    ids: ids.length > 0 ? ids : undefined,
    max,
    alsoDeleted: deps.alsoDeletedTraces,
  })
  return { traces_deleted: deleted.length }
}

function checkedDeletion(until: Int64 | undefined, max: number | undefined, ids: readonly string[]): true {
  const hasIds = ids.length > 0
  if (until === undefined && !hasIds) {
    throw invalidParameter('Either `max_timestamp_millis` or `trace_ids` must be specified.')
  }
  if (until !== undefined && hasIds) {
    throw invalidParameter('Only one of `max_timestamp_millis` and `trace_ids` can be specified.')
  }
  if (hasIds && max !== undefined)
    throw invalidParameter("`max_traces` can't be specified if `trace_ids` is specified.")
  if (max !== undefined && max <= 0) {
    throw invalidParameter(`\`max_traces\` must be a positive integer, received ${max}.`)
  }
  return true
}

export const traceDeletionMethods: Pick<Methods<TraceDeps>, 'deleteTraces' | 'deleteTracesV3'> = {
  deleteTraces: { permission: write, handle: deleteAll },
  deleteTracesV3: { permission: write, handle: deleteAll },
}

/** The stage tells which trace; the paths of assessments say so in other words than those of traces. */
export const inOtherWords = (error: unknown, message: (id: string) => string): unknown =>
  error instanceof DomainError && error.code === 'trace_not_found'
    ? mlflowError('RESOURCE_DOES_NOT_EXIST', message(String(error.detail?.['id'])))
    : error
