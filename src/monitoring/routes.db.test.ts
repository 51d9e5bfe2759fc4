// Monitoring over HTTP: outcomes in three formats, and what can be read back.
import { expect, test } from 'vitest'
import { createTestServer, testActor } from '../governance/testing.ts'
import { upstream } from '../governance/lineage.ts'
import { on, transact } from '../platform/database.ts'
import { applyRetention } from './retention.ts'
import { recordReport } from './report.ts'
import { monitoringRoutes } from './routes.ts'
import { openTestDatabase, type TestDb } from './testing-database.ts'
import { oneDayMs, testCounter, testDayMs, testPrediction, testReport, testVersions } from './testing.ts'

const openServer = (db: TestDb) => createTestServer(monitoringRoutes, { db, versions: testVersions })

async function report(db: TestDb, ids: readonly string[], atMs = 1_000): Promise<void> {
  const predictions = ids.map((id) => testPrediction(id, { atMs }))
  const counters = [testCounter({ requests: ids.length })]
  const eventTimes = { flights: testDayMs }
  const content = testReport({ predictions, counters, eventTimes, dropped: 2, lost: 3 })
  await transact(db, (trx) => recordReport({ versions: testVersions, nowMs: 1 }, trx, content))
}

const post = (type: string, payload: string) => ({
  method: 'POST' as const,
  url: '/outcomes',
  headers: { 'content-type': type },
  payload,
})

test('outcomes come as JSON, CSV or lines, and are found with their prediction', async () => {
  await using db = await openTestDatabase()
  await using server = await openServer(db)
  await report(db, ['a', 'b', 'c', 'd'])
  const json = await server.inject(post('application/json', '{"outcomes":[{"predictionId":"a","value":1}]}'))
  expect(json.json()).toEqual({ accepted: 1, duplicates: 0, unmatched: 0, revised: 0 })
  const csv = 'value,prediction_id,observed_at_ms\r\n"late",b,5\r\n0,"x,""y""",\r\n'
  expect((await server.inject(post('text/csv', csv))).json()).toMatchObject({ accepted: 1, unmatched: 1 })
  const lines = '{"predictionId":"c","value":false}\n\n{"predictionId":"a","value":0}\n'
  const ndjson = await server.inject(post('application/x-ndjson', lines))
  expect(ndjson.json()).toMatchObject({ accepted: 1, revised: 1 })

  const found = (await server.inject('/predictions/b')).json<{ prediction: { lineageNode: string } }>()
  expect(found).toMatchObject({
    prediction: { id: 'b', version: 'flights/1', assignedWith: 1 },
    outcome: { value: 'late', revision: 1, observedMs: 5 },
  })
  const edges = await upstream(db, found.prediction.lineageNode as 'prediction_window:x')
  expect(edges).toMatchObject([{ upstream: 'model_version:flights/1', relation: 'answered' }])
  expect((await server.inject('/predictions/nobody')).json()).toMatchObject({ code: 'prediction_not_found' })
  const days = (await server.inject('/endpoints/flights/days')).json()
  expect(days).toMatchObject({
    watermarkMs: testDayMs,
    predictionsDropped: 2,
    predictionsLost: 3,
    arms: [{ version: 'flights/1', role: 'champion', requests: 4, predictions: 4, outcomes: 3 }],
  })
})

test('a malformed batch is refused with its line, and nothing of it is stored', async () => {
  await using db = await openTestDatabase()
  await using server = await openServer(db)
  const refused = async (type: string, text: string): Promise<unknown> => {
    const reply = await server.inject(post(type, text))
    expect(reply.statusCode).toBe(400)
    return reply.json<{ code: string; facts: unknown }>()
  }
  const malformed = (line: number) => ({ code: 'outcomes_malformed', facts: { line } })
  expect(await refused('text/csv', 'id,value\na,1\n')).toMatchObject(malformed(1))
  expect(await refused('text/csv', 'prediction_id,value\na,1\nb\n')).toMatchObject(malformed(3))
  expect(await refused('text/csv', 'prediction_id,value\na,"1\n')).toMatchObject(malformed(2))
  expect(await refused('application/x-ndjson', '{"predictionId":"a","value":1}\n{"oops\n')).toMatchObject(malformed(2))
  expect(await refused('application/x-ndjson', '{"predictionId":"a"}\n')).toMatchObject(malformed(1))
  expect(await refused('application/json', '{"outcomes":[{"predictionId":""}]}')).toMatchObject({
    code: 'request_invalid',
  })
  expect(await refused('application/x-ndjson', '{"predictionId":"a\\u0000","value":1}')).toMatchObject(malformed(1))
  expect(await on(db).selectFrom('outcome').selectAll().execute()).toEqual([])
})

test('monitors are set and read over HTTP, with their results and alerts', async () => {
  await using db = await openTestDatabase()
  await using server = await openServer(db)
  const url = '/endpoints/flights/monitors'
  const monitors = [{ name: 'gap', signal: { kind: 'calibration_gap' }, threshold: { fromTraining: {} } }]
  const put = await server.inject({ method: 'PUT', url, payload: { monitors } })
  expect(put.json()).toMatchObject({ monitors: [{ name: 'gap', windowDays: 7, openAfter: 2 }] })
  expect((await server.inject(url)).json()).toEqual(put.json())
  const wrong = [{ name: 'auc', signal: { kind: 'auc' }, threshold: { fromTraining: {} } }]
  expect((await server.inject({ method: 'PUT', url, payload: { monitors: wrong } })).statusCode).toBe(400)
  expect((await server.inject('/endpoints/flights/monitor-results')).json()).toEqual({ results: [] })
  expect((await server.inject('/alerts?active=true')).json()).toEqual({ alerts: [] })
  expect((await server.inject('/alerts/none')).json()).toMatchObject({ code: 'alert_not_found' })
})

test('retention deletes old and surplus predictions with their outcomes, and keeps the sums', async () => {
  await using db = await openTestDatabase()
  await using server = await openServer(db)
  await report(db, ['old1', 'old2'], 1_000)
  await report(db, ['a', 'b'], 5 * oneDayMs)
  await report(db, ['c'], 6 * oneDayMs)
  await server.inject(post('text/csv', 'prediction_id,value\nold1,1\nc,0\nnobody,1\n'))
  const nowMs = testActor().clock()
  const keep = { ageMsMax: nowMs - 4 * oneDayMs, rowsMax: 100 }
  const run = { nowMs, neededFromMs: async () => Number.POSITIVE_INFINITY }
  expect(await applyRetention(db, keep, run)).toEqual({ predictions: 2, outcomes: 1 })
  expect(await applyRetention(db, { ...keep, rowsMax: 1 }, run)).toEqual({ predictions: 2, outcomes: 0 })
  const left = await on(db).selectFrom('prediction').select('id').execute()
  expect(left).toEqual([{ id: 'c' }])
  const outcomes = await on(db).selectFrom('outcome').select('prediction_id').orderBy('prediction_id').execute()
  expect(outcomes.map((row) => row.prediction_id)).toEqual(['c', 'nobody'])
  const sums = await on(db).selectFrom('performance').select(['predictions', 'outcomes']).execute()
  expect(sums).toEqual([{ predictions: 5, outcomes: 2 }])
})
