// Searching traces on real databases: every kind of condition, orders with missing values, pages.
import { expect, test } from 'vitest'
import { transact, type Connection } from '../platform/database.ts'
import { readerOf } from '../platform/reader.ts'
import type { NewAssessment } from './assessment.ts'
import { createAssessment, forgetRuns } from './assessments.ts'
import { correlationOf } from './correlation.ts'
import { countTogether, searchTraces, type TraceComparison, type TraceFilter, type TraceOrder } from './search.ts'
import { keepSpans, openTracing, testSpan, testSpanId, testTraceId, type TestTables } from './testing.ts'
import { linkPrompts, linkToRun, setTag, tellTrace } from './traces.ts'

const msInNs = 1_000_000n

/** Traces 1 to 4 of experiment 1, the newest last, and 5 of experiment 2. */
async function openSome() {
  const db = await openTracing()
  for (const number of [1, 2, 3, 4, 5]) {
    const traceId = testTraceId(String(number))
    const startNs = BigInt(number) * 1000n * msInNs
    const root = testSpan({
      traceId,
      startNs,
      endNs: startNs + BigInt(10 - number) * msInNs,
      name: 'call',
      status: number === 3 ? 'ERROR' : 'OK',
      attributes: {
        'mlflow.traceTag.mlflow.traceName': `name-${number}`,
        'mlflow.spanType': 'CHAIN',
        ...(number < 3 ? { 'session.id': 'talk' } : {}),
      },
    })
    const llm = testSpan({
      traceId,
      spanId: testSpanId('2'),
      parentSpanId: testSpanId('1'),
      startNs,
      endNs: startNs + msInNs,
      name: `llm ${number}`,
      attributes: {
        'mlflow.spanType': 'CHAT_MODEL',
        'mlflow.spanInputs': `Zürich has 100% rain_${number}`,
        'model.name': number % 2 ? 'gpt-odd' : 'claude-even',
        tries: number,
        'mlflow.chat.tokenUsage': { input_tokens: number, output_tokens: 1, total_tokens: number + 1 },
      },
    })
    await keepSpans(db, number === 5 ? 2 : 1, root, llm)
    await transact(db, async (trx) => {
      await setTag(trx, traceId, { key: 'colour', value: number % 2 ? 'Red' : 'blue' })
      if (number === 4) await setTag(trx, traceId, { key: 'rare', value: 'x' })
    })
  }
  return db
}

type Db = Awaited<ReturnType<typeof openSome>>
/** `is('tag colour', '=', 'Red')` */
function is(field: string, operator: TraceComparison['operator'], value: TraceComparison['value']): TraceComparison {
  const [entity = '', ...key] = field.split(' ')
  return { entity: entity as TraceComparison['entity'], key: key.join(' '), operator, value }
}

async function numbers(db: Connection<TestTables>, filter: TraceFilter, orderBy: TraceOrder[] = []): Promise<number[]> {
  const { traces } = await searchTraces(
    { db, reader: readerOf(db) },
    { experimentIds: [1], filter, orderBy, limit: 100 },
  )
  return traces.map(({ id }) => Number(id.slice(3)))
}

test('conditions on what is known of traces', async () => {
  await using db: Db = await openSome()
  const cases: [TraceFilter, number[]][] = [
    [{ all: [] }, [4, 3, 2, 1]],
    [{ any: [] }, []],
    [is('attribute request_id', '=', testTraceId('2')), [2]],
    [is('attribute request_id', 'IN', [testTraceId('2'), testTraceId('4'), testTraceId('5')]), [4, 2]],
    [is('attribute timestamp_ms', '>=', 3000), [4, 3]],
    [is('attribute execution_time_ms', '<', 8), [4, 3]],
    [is('attribute end_time_ms', '=', 4006), [4]],
    [is('attribute status', '=', 'ERROR'), [3]],
    [is('attribute status', '!=', 'ERROR'), [4, 2, 1]],
    [is('tag mlflow.traceName', 'RLIKE', '^name-[23]$'), [3, 2]],
    [is('tag mlflow.traceName', 'NOT IN', ['name-1']), [4, 3, 2]],
    [is('tag colour', '=', 'Red'), [3, 1]],
    [is('tag colour', 'LIKE', 'r%'), []],
    [is('tag colour', 'ILIKE', 'r%'), [3, 1]],
    [is('tag rare', '!=', 'y'), [4]],
    [is('tag rare', 'IS NULL', null), [3, 2, 1]],
    [is('tag mlflow.artifactLocation', 'LIKE', `%/1/traces/${testTraceId('3')}/artifacts`), [3]],
    [is('metadata mlflow.trace.session', '=', 'talk'), [2, 1]],
    [is('metadata mlflow.trace.session', 'IS NULL', null), [4, 3]],
    [is('metadata mlflow.trace.tokenUsage', '=', '{"input_tokens": 3, "output_tokens": 1, "total_tokens": 4}'), [3]],
    [is('metadata mlflow.trace.tokenUsage', '=', '{"input_tokens":3}'), []],
    [is('metadata mlflow.trace.cost', 'IS NULL', null), [4, 3, 2, 1]],
    [{ any: [is('tag rare', '=', 'x'), is('attribute status', '=', 'ERROR')] }, [4, 3]],
    [{ not: { all: [is('tag colour', '=', 'Red'), is('attribute timestamp_ms', '>', 1000)] } }, [4, 2, 1]],
  ]
  for (const [filter, expected] of cases) expect(await numbers(db, filter), JSON.stringify(filter)).toEqual(expected)
  expect(await numbers(db, is('tag colour', 'RLIKE', 'e.?$'))).toEqual([4, 3, 2, 1])
  await expect(numbers(db, is('tag colour', 'RLIKE', String.raw`(a)\1`))).rejects.toMatchObject({
    code: 'pattern_invalid',
  })
  await expect(numbers(db, is('attribute status', '<', 'OK'))).rejects.toMatchObject({ code: 'trace_filter' })
})

test('conditions on spans hold for one span together', async () => {
  await using db: Db = await openSome()
  const llm = is('span type', '=', 'CHAT_MODEL')
  const cases: [TraceFilter, number[]][] = [
    [is('span name', '=', 'llm 2'), [2]],
    [is('span name', 'LIKE', 'llm%'), [4, 3, 2, 1]],
    [{ all: [llm, is('span name', '=', 'call')] }, []],
    [{ all: [llm, { all: [is('span attributes.model.name', '=', 'gpt-odd')] }] }, [3, 1]],
    [is('span attributes.model.name', 'ILIKE', 'GPT%'), [3, 1]],
    [is('span attributes.model.name', 'RLIKE', '^claude'), [4, 2]],
    [is('span attributes.tries', 'IN', ['2', '3']), [3, 2]],
    [is('span attributes.`model.name`', '!=', 'gpt-odd'), [4, 2]],
    [is('span attributes.absent', '!=', 'x'), []],
    [is('span content', 'LIKE', '%Zürich%rain_3%'), [3]],
    [is('span content', 'LIKE', '%zürich%'), []],
    [is('span content', 'ILIKE', '%RAIN_4%'), [4]],
    [is('span status', '=', 'ERROR'), [3]],
    [{ all: [is('span status', '=', 'ERROR'), is('span content', 'LIKE', '%rain%')] }, []],
  ]
  for (const [filter, expected] of cases) expect(await numbers(db, filter), JSON.stringify(filter)).toEqual(expected)
})

test('conditions on what was said and on links; what is said of a session holds for its traces', async () => {
  await using db: Db = await openSome()
  const source = { type: 'HUMAN', id: null }
  const plain = { error: null, source, spanId: null, rationale: null, overrides: null, metadata: null }
  /** `say(3, 'feedback score', '0.7')` */
  const say = (number: number, what: string, value: string | Partial<NewAssessment>) => {
    const [kind, name = ''] = what.split(' ')
    const parts = typeof value === 'string' ? { value } : { value: '"yes"', ...value }
    const said = { ...plain, kind: kind as NewAssessment['kind'], name, ...parts }
    return transact(db, (trx) => createAssessment(trx, () => 5, { traceId: testTraceId(String(number)), said }))
  }
  const wrong = await say(4, 'feedback good', 'true')
  await say(3, 'feedback good', 'false')
  await say(3, 'feedback score', '0.7')
  await say(2, 'feedback score', '0.9')
  await say(1, 'expectation answer', '"yes"')
  await say(1, 'feedback polite', { metadata: { 'mlflow.trace.session': 'talk' } })
  await say(2, 'issue iss-1', '{"issue_name": "slow"}')
  await transact(db, (trx) =>
    createAssessment(trx, () => 6, {
      traceId: testTraceId('4'),
      said: { ...wrong, id: null, value: 'false', overrides: wrong.id },
    }),
  )
  await transact(db, async (trx) => {
    await linkToRun(trx, 'run-1', [testTraceId('3'), 'tr-nowhere'])
    await linkPrompts(trx, testTraceId('2'), [{ name: 'ask', version: 3 }])
    await tellTrace(trx, () => 1, {
      id: testTraceId('6'),
      experimentId: 1,
      startedAtMs: 1,
      durationMs: null,
      state: 'OK',
      clientRequestId: 'c-6',
      requestPreview: null,
      responsePreview: null,
      tags: {},
      metadata: { 'mlflow.sourceRun': 'run-1', plain: 'p' },
      isFinal: true,
    })
  })
  const cases: [TraceFilter, number[]][] = [
    [is('feedback good', '=', 'true'), []],
    [is('feedback good', '=', 'false'), [4, 3]],
    [is('feedback score', '>', 0.8), [2]],
    [is('feedback score', 'IS NULL', null), [4, 1, 6]],
    [is('feedback polite', '=', 'yes'), [2, 1]],
    [is('feedback polite', 'IS NULL', null), [4, 3, 6]],
    [is('expectation answer', '=', 'yes'), [1]],
    [is('expectation answer', 'IS NOT NULL', null), [1]],
    [is('issue id', '=', 'iss-1'), [2]],
    [is('metadata mlflow.sourceRun', '=', 'run-1'), [3, 6]],
    [is('metadata plain', '=', 'p'), [6]],
    [is('tag mlflow.linkedPrompts', '=', 'ask/3'), [2]],
    [is('attribute client_request_id', '=', 'c-6'), [6]],
  ]
  for (const [filter, expected] of cases) expect(await numbers(db, filter), JSON.stringify(filter)).toEqual(expected)
  await say(4, 'feedback judged', { metadata: { 'mlflow.assessment.sourceRunId': 'run-2' } })
  expect(await numbers(db, is('feedback judged', '=', 'yes'))).toEqual([4])
  await transact(db, (trx) => forgetRuns(trx, ['run-2']))
  expect(await numbers(db, is('feedback judged', '=', 'yes'))).toEqual([])
})

test('every order, with traces that lack the value last, gives the same traces in pages', async () => {
  await using db: Db = await openSome()
  const deps = { db, reader: readerOf(db) }
  const by = (entity: TraceOrder['entity'], key: string, isAscending: boolean): TraceOrder => ({
    entity,
    key,
    isAscending,
  })
  const cases: [TraceOrder[], number[]][] = [
    [[], [4, 3, 2, 1]],
    [[by('attribute', 'timestamp_ms', true)], [1, 2, 3, 4]],
    [[by('attribute', 'execution_time_ms', true)], [4, 3, 2, 1]],
    [[by('attribute', 'status', true)], [3, 4, 2, 1]],
    [[by('tag', 'rare', true)], [4, 3, 2, 1]],
    [
      [by('tag', 'colour', true), by('attribute', 'timestamp_ms', true)],
      [1, 3, 2, 4],
    ],
    [[by('metadata', 'mlflow.trace.session', false)], [2, 1, 4, 3]],
    [[by('attribute', 'end_time_ms', true)], [1, 2, 3, 4]],
  ]
  for (const [orderBy, expected] of cases) {
    expect(await numbers(db, { all: [] }, orderBy)).toEqual(expected)
    const paged: number[] = []
    let after: string | undefined
    do {
      const page = await searchTraces(deps, { experimentIds: [1], orderBy, limit: 1, after })
      paged.push(...page.traces.map(({ id }) => Number(id.slice(3))))
      after = page.next
    } while (after !== undefined)
    expect(paged, JSON.stringify(orderBy)).toEqual(expected)
  }
  await expect(searchTraces(deps, { limit: 1, after: 'junk' })).rejects.toMatchObject({ code: 'page_token' })
  const twice = [by('tag', 'a', true), by('tag', 'a', false)]
  await expect(searchTraces(deps, { limit: 1, orderBy: twice })).rejects.toMatchObject({ code: 'trace_order' })
  expect((await searchTraces(deps, { experimentIds: [2, 1], limit: 2 })).traces.map(({ id }) => id)).toEqual([
    testTraceId('5'),
    testTraceId('4'),
  ])
})

test('counts of two filters together, and how much they go together', async () => {
  await using db: Db = await openSome()
  const counts = await countTogether(
    { db, reader: readerOf(db) },
    { experimentIds: [1], first: is('tag colour', '=', 'Red'), second: is('attribute status', '=', 'ERROR') },
  )
  expect(counts).toEqual({ total: 4, first: 2, second: 1, both: 1 })
  expect(correlationOf(counts).npmi).toBeCloseTo(0.5, 10)
  // As MLflow 3.17 answers for one trace of three with both.
  const mlflow = correlationOf({ total: 3, first: 1, second: 1, both: 1 })
  expect(mlflow).toEqual({ npmi: 1, smoothed: 0.5221120088126169 })
  expect(correlationOf({ total: 3, first: 0, second: 1, both: 0 }).npmi).toBeNaN()
  expect(correlationOf({ total: 3, first: 1, second: 1, both: 0 }).npmi).toBe(-1)
})
