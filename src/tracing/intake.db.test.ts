// Spans on real databases: what traces they make, in whatever batches they come.
import { expect, test } from 'vitest'
import { transact } from '../platform/database.ts'
import { logSpans } from './intake.ts'
import { getTrace, readWithSpans } from './reading.ts'
import { createSpanWriter } from './span-writer.ts'
import { findings, keepSpans, openTracing, testSpan, testSpanId, testTraceId } from './testing.ts'
import { setTag, tellTrace } from './traces.ts'

const usage = (input_tokens: number) => ({ input_tokens, output_tokens: 1, total_tokens: input_tokens + 1 })
const child = (spanId: string, parts: Parameters<typeof testSpan>[0] = {}) =>
  testSpan({ spanId: testSpanId(spanId), parentSpanId: testSpanId('1'), name: `child-${spanId}`, ...parts })

test('a trace is what its spans say: times, state, previews, session, tokens, tags of the resource', async () => {
  await using db = await openTracing()
  const resource = new Map([
    ['service.name', '"shop"'],
    ['telemetry.sdk.name', '"x"'],
    ['mlflow.trace.spansLocation', '"ARTIFACT_REPO"'],
  ])
  const root = testSpan({
    resource,
    attributes: {
      'mlflow.spanInputs': {
        messages: [
          { role: 'user', content: 'hello?' },
          { role: 'assistant', content: 'no' },
        ],
      },
      'mlflow.spanOutputs': { answer: 'hi' },
      'session.id': 's-1',
      'user.id': 'ada',
      'mlflow.traceTag.team': 'blue',
      'mlflow.traceTag.mlflow.traceName': 'shop call',
    },
  })
  const llm = child('2', {
    startNs: 900_000_000n,
    endNs: 1_600_000_000n,
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 7, 'gen_ai.usage.output_tokens': 2 },
  })
  await keepSpans(db, 1, root, llm)
  const trace = await getTrace(db, testTraceId('a'))
  expect(trace).toMatchObject({
    experimentId: 1,
    startedAtMs: 900,
    durationMs: 700,
    state: 'OK',
    name: 'shop call',
    sessionId: 's-1',
    requestPreview: 'hello?',
    responsePreview: '{"answer":"hi"}',
    tokens: { input_tokens: 7, output_tokens: 2, total_tokens: 9 },
    cost: null,
    metadata: { 'mlflow.trace.user': 'ada' },
  })
  expect(trace.tags).toEqual({
    'service.name': 'shop',
    team: 'blue',
    'mlflow.traceName': 'shop call',
    'mlflow.trace.spansLocation': 'TRACKING_STORE',
    'mlflow.artifactLocation': `mlflow-artifacts:/1/traces/${testTraceId('a')}/artifacts`,
  })
})

test('a trace in many batches is the trace in one, and a batch that comes again changes nothing', async () => {
  await using db = await openTracing()
  const root = testSpan({ attributes: { 'mlflow.chat.tokenUsage': usage(30), 'mlflow.spanInputs': 'why' } })
  const [early, late] = [
    child('2', { startNs: 500_000_000n, attributes: { 'mlflow.chat.tokenUsage': usage(10) } }),
    child('3', { endNs: 9_000_000_000n, attributes: { 'mlflow.chat.tokenUsage': usage(20) } }),
  ]
  await keepSpans(db, 1, late)
  expect(await getTrace(db, testTraceId('a'))).toMatchObject({ state: 'IN_PROGRESS', tokens: { input_tokens: 20 } })
  await keepSpans(db, 1, early)
  expect(await getTrace(db, testTraceId('a'))).toMatchObject({ tokens: { input_tokens: 30, output_tokens: 2 } })
  // The root's numbers hold its children's.
  await keepSpans(db, 1, root)
  const inParts = await getTrace(db, testTraceId('a'))
  expect(inParts).toMatchObject({
    state: 'OK',
    startedAtMs: 500,
    durationMs: 8500,
    tokens: { input_tokens: 30, output_tokens: 1 },
  })
  await keepSpans(db, 1, root, early)
  expect(await getTrace(db, testTraceId('a'))).toEqual(inParts)
  const [read] = await readWithSpans(db, [testTraceId('a')])
  const names = read?.contents?.map((content) => (JSON.parse(content) as { name: string }).name)
  expect(names).toEqual(['root', 'child-2', 'child-3'])

  await using other = await openTracing()
  await keepSpans(other, 1, late, root, early)
  expect(await getTrace(other, testTraceId('a'))).toEqual(inParts)
})

test('what the client told of the whole trace stays; spans only fill what it left open', async () => {
  await using db = await openTracing()
  const told = {
    id: testTraceId('a'),
    experimentId: 2,
    startedAtMs: 100,
    durationMs: 5,
    state: 'OK' as const,
    clientRequestId: 'req-1',
    requestPreview: 'told',
    responsePreview: null,
    tags: { 'mlflow.traceName': 'told name', a: 'b' },
    metadata: { 'mlflow.trace.tokenUsage': JSON.stringify(usage(99)), 'mlflow.trace.sizeStats': '{"num_spans": 2}' },
    isFinal: true,
  }
  await keepSpans(db, 1, testSpan({ attributes: { 'mlflow.spanInputs': 'from spans' } }))
  await transact(db, (trx) => tellTrace(trx, () => 7, told))
  await keepSpans(
    db,
    1,
    child('2', { status: 'ERROR', attributes: { 'mlflow.chat.tokenUsage': usage(1), 'session.id': 's' } }),
  )
  const trace = await getTrace(db, testTraceId('a'))
  expect(trace).toMatchObject({
    experimentId: 2,
    startedAtMs: 100,
    durationMs: 5,
    state: 'OK',
    clientRequestId: 'req-1',
    requestPreview: 'told',
    name: 'told name',
    sessionId: 's',
    tokens: { input_tokens: 99 },
    metadata: { 'mlflow.trace.infoFinalized': 'true' },
  })
  const [read] = await readWithSpans(db, [testTraceId('a')])
  expect(read).toMatchObject({ isComplete: true })
})

test('a batch is kept whole or not at all', async () => {
  await using db = await openTracing()
  const nowhere = transact(db, async (trx) => logSpans(trx, 9, await findings(testSpan())))
  await expect(nowhere).rejects.toMatchObject({ code: 'experiment_not_found' })
  await keepSpans(db, 1, testSpan())
  await transact(db, (trx) =>
    setTag(trx, testTraceId('a'), { key: 'mlflow.trace.spansLocation', value: 'ARCHIVE_REPO' }),
  )
  const both = transact(db, async (trx) =>
    logSpans(trx, 1, await findings(testSpan({ traceId: testTraceId('b') }), child('2'))),
  )
  await expect(both).rejects.toMatchObject({ code: 'trace_spans_elsewhere', detail: { ids: [testTraceId('a')] } })
  await expect(getTrace(db, testTraceId('b'))).rejects.toMatchObject({ code: 'trace_not_found' })
})

test('batches that wait are stored together, and one that is refused takes none with it', async () => {
  await using db = await openTracing()
  const writer = createSpanWriter(db)
  const traces = Array.from({ length: 40 }, (_, index) => testTraceId(index.toString(16)))
  const written = await Promise.allSettled(
    traces.map(async (traceId, index) => writer.write(index === 7 ? 99 : 1, await findings(testSpan({ traceId })))),
  )
  expect(written.map(({ status }) => status)).toEqual(
    traces.map((_, index) => (index === 7 ? 'rejected' : 'fulfilled')),
  )
  for (const [index, traceId] of traces.entries()) {
    if (index !== 7) expect(await getTrace(db, traceId)).toMatchObject({ id: traceId })
  }
})
