// The engine on a real database with the real dispatcher: the loop's whole round, and what a crash in the middle leaves.
import { expect, test } from 'vitest'
import { on, type Connection } from '../platform/database.ts'
import { testActor } from '../governance/testing.ts'
import { DomainError } from '../platform/errors.ts'
import { startDispatcher } from '../platform/dispatcher.ts'
import { silentLog } from '../platform/log.ts'
import { createTestDatabase } from '../platform/testing.ts'
import type { ApplyTables } from './apply.ts'
import { listDecisions } from './decision-store.ts'
import { createLoopEngine, type LoopEngineTables } from './loop-engine.ts'
import { findState } from './loop-store.ts'
import { proposeCandidate, requestOfLoop } from './loop-request.ts'
import { applyTestLoop, arrive, emit, loopTestMigrations, scriptStages, type ScriptedStages } from './testing.ts'

type Tables = LoopEngineTables & ApplyTables
const day = (text: string): number => Date.parse(`${text}T00:00:00Z`)

/** A control plane's part of the loop: stop it and start another on the same database, as a restart does. */
function start(db: Connection<Tables>, stages: ScriptedStages, time: { watermarkMs?: number; wallMs: number }) {
  const clock = (): number => time.wallMs
  const watermarkMs = async (): Promise<number | undefined> => time.watermarkMs
  const engine = createLoopEngine({ db, clock, log: silentLog, actions: stages, watermarkMs })
  const dispatcher = startDispatcher({ db, log: silentLog }, [engine.consumer])
  return { engine, dispatcher, [Symbol.asyncDispose]: () => dispatcher[Symbol.asyncDispose]() }
}

const arrived = { version: 1, rows: 3_000_000, timeMax: '2001-06-30T23:59:00Z' }
const gateOutput = (version: string, passed = true) => ({
  gate: { gate: 'gate_1', version, passed, sentence: 'log loss 0.413 against 0.420' },
})

async function stateOf(db: Connection<Tables>) {
  return (await findState(db, 'flights'))?.state
}

async function kindsOf(db: Connection<Tables>): Promise<string[]> {
  return (await listDecisions(db, { loop: 'flights', limit: 100 })).map(({ kind }) => kind)
}

test('a loop goes from apply to its first champion, by an alert to its second, and by a worse one back', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  const stages = scriptStages()
  const time: { watermarkMs?: number; wallMs: number } = { wallMs: 1000 }
  await using running = start(db, stages, time)
  const { dispatcher, engine } = running

  await applyTestLoop(db, testActor('ann'))
  await dispatcher.drain()
  expect(stages.calls).toEqual(['ingest flights.1.start_ingest'])
  await arrive(db, arrived)
  await emit(db, 'pipeline_run.finished', { id: 'ref_1', pipeline: 'flights.ingest', state: 'succeeded', outputs: {} })
  await dispatcher.drain()
  await emit(db, 'pipeline_run.finished', { id: 'ref_2', state: 'succeeded', outputs: gateOutput('flights/1') })
  await dispatcher.drain()
  expect(await stateOf(db)).toMatchObject({ phase: 'watching', champion: 'flights/1', nowMs: day('2001-02-01') })

  time.watermarkMs = day('2001-04-20')
  await engine.tick()
  const sentence = 'predicted 0.204, observed 0.161, n 51,000'
  const numbers = { version: 'flights/1', signal: 'calibration_gap', value: 0.043, threshold: 0.03, n: 51_000 }
  const alert = { endpoint: 'flights', monitor: 'calibration', sentence, ...numbers }
  await emit(db, 'monitor.alert_opened', alert)
  await emit(db, 'monitor.alert_opened', { ...alert, endpoint: 'others' })
  await dispatcher.drain()
  await emit(db, 'pipeline_run.finished', { id: 'ref_4', state: 'succeeded', outputs: gateOutput('flights/2') })
  await dispatcher.drain()
  await emit(db, 'alias.moved', { model: 'flights', alias: 'champion', from: 1, to: 2, reason: 'promoted' })
  await emit(db, 'rollout.finished', { id: 'ref_5', outcome: 'promoted', sentence: 'loss lower by 0.006, n 9,000' })
  await dispatcher.drain()

  expect(await stateOf(db)).toMatchObject({ phase: 'cooling_down', champion: 'flights/2', attempt: null })
  expect(await kindsOf(db)).toEqual([
    'applied',
    'ingest_started',
    'data_arrived',
    'training_started',
    'gate_passed',
    'went_live',
    'alert_opened',
    'training_started',
    'gate_passed',
    'rollout_started',
    'promoted',
  ])

  await emit(db, 'monitor.alert_closed', { ...alert, closeReason: 'version_replaced' })
  await dispatcher.drain()
  time.watermarkMs = day('2001-05-15')
  await emit(db, 'monitor.alert_opened', { ...alert, version: 'flights/2', value: 0.051 })
  // The champion is moved, then the process is gone before it could write that down.
  stages.interruptAfter = () => {
    throw new Error('killed')
  }
  await dispatcher.drain()
  expect(await stateOf(db)).toMatchObject({ phase: 'taking_back', champion: 'flights/2' })
  stages.interruptAfter = () => undefined
  time.wallMs += 60_000
  await emit(db, 'alias.moved', { model: 'flights', alias: 'champion', from: 2, to: 1, reason: 'taken back' })
  await dispatcher.drain()
  expect(stages.calls.slice(-2)).toEqual(['take back flights.6.take_back', 'take back flights.6.take_back'])
  expect(await stateOf(db)).toMatchObject({ phase: 'cooling_down', champion: 'flights/1', watch: null })
  // A version without a graph is nothing that a candidate could be compared with.
  await emit(db, 'alias.moved', { model: 'flights', alias: 'champion', from: 1, to: 9, reason: '', servable: false })
  await dispatcher.drain()
  expect(await stateOf(db)).toMatchObject({ champion: 'flights/1' })
  const story = await listDecisions(db, { loop: 'flights', limit: 100 })
  expect(story.slice(11).map(({ kind }) => kind)).toEqual([
    'alert_closed',
    'cooldown_ended',
    'alert_opened',
    'take_back_started',
    'taken_back',
  ])
  expect(story.at(-1)?.sentence).toContain(
    '(predicted 0.204, observed 0.161, n 51,000, worse than the 0.043 of flights/1)',
  )
})

test('an engine that dies after it began a pipeline finds it again and begins no second one', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  const stages = scriptStages()
  const time = { wallMs: 1000 }
  await applyTestLoop(db, testActor())
  {
    await using dying = start(db, stages, time)
    // The work is begun, then the process is gone before it could write that down.
    stages.interruptAfter = () => {
      throw new Error('killed')
    }
    await dying.dispatcher.drain()
    stages.interruptAfter = () => undefined
  }
  expect(stages.begun.size).toBe(1)
  time.wallMs += 60_000
  await using restarted = start(db, stages, time)
  await restarted.engine.tick()
  expect(stages.calls).toEqual(['ingest flights.1.start_ingest', 'ingest flights.1.start_ingest'])
  expect(stages.begun.size).toBe(1)
  await arrive(db, arrived)
  await emit(db, 'pipeline_run.finished', { id: 'ref_1', state: 'succeeded', outputs: {} })
  await restarted.dispatcher.drain()
  expect(await stateOf(db)).toMatchObject({ phase: 'training' })
})

test('events that are delivered again decide nothing twice', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  const stages = scriptStages()
  await applyTestLoop(db, testActor())
  {
    await using first = start(db, stages, { wallMs: 1 })
    await first.dispatcher.drain()
  }
  const before = await kindsOf(db)
  await on(db).deleteFrom('event_cursor').execute()
  await using again = start(db, stages, { wallMs: 2 })
  await again.dispatcher.drain()
  expect(await kindsOf(db)).toEqual(before)
  expect(stages.calls).toHaveLength(1)
})

test('a command that is refused ends the attempt with the reason; one that is unavailable is tried again', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  const stages = scriptStages()
  const time = { wallMs: 1000 }
  await using running = start(db, stages, time)
  stages.interrupt = () => {
    throw new DomainError('unavailable', 'busy', 'no slot is free')
  }
  await applyTestLoop(db, testActor())
  await running.dispatcher.drain()
  expect(await stateOf(db)).toMatchObject({ phase: 'ingesting' })
  stages.interrupt = () => {
    throw new DomainError('invalid', 'source_missing', 'flights.parquet is not there')
  }
  time.wallMs += 60_000
  await running.engine.tick()
  expect(await stateOf(db)).toMatchObject({ phase: 'waiting_for_data', attempt: null })
  const told = await listDecisions(db, { loop: 'flights', limit: 100 })
  expect(told.at(-1)?.sentence).toContain('failed while ingesting: flights.parquet is not there; no model serves yet')
  // Asked again, it begins again.
  const ask = { loop: 'flights', kind: 'retrain_requested', reason: 'file is there now' } as const
  await requestOfLoop(db, testActor('ann'), ask)
  await running.dispatcher.drain()
  expect(await stateOf(db)).toMatchObject({ phase: 'waiting_for_data', attempts: 2 })
  // So it does when it is applied again: who does that wants a model. Under way, it is left alone.
  stages.interrupt = () => undefined
  expect(await applyTestLoop(db, testActor('ann'))).toMatchObject({ version: 1, retried: true })
  await running.dispatcher.drain()
  expect(await stateOf(db)).toMatchObject({ phase: 'ingesting', attempts: 3 })
  expect(await applyTestLoop(db, testActor('ann'))).toMatchObject({ version: 1, retried: false })
})

test('a pipeline that failed, or ended without a gate result, is told as that', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  const stages = scriptStages()
  await using running = start(db, stages, { wallMs: 1 })
  await applyTestLoop(db, testActor())
  await running.dispatcher.drain()
  await arrive(db, arrived)
  const error = { step: 'ingest', code: 'csv_ragged', message: 'line 7 has 4 fields, not 5' }
  await emit(db, 'pipeline_run.finished', { id: 'ref_1', state: 'failed', outputs: {}, error })
  await running.dispatcher.drain()
  const told = await listDecisions(db, { loop: 'flights', limit: 100 })
  expect(told.at(-1)?.sentence).toContain('step ingest of pipeline run ref_1 failed: line 7 has 4 fields, not 5')
  expect(told.at(-1)?.evidence).toMatchObject({ pipelineRun: 'ref_1', command: 'flights.1.start_ingest' })
})

test('a loop whose dataset is there already trains at once', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  const stages = scriptStages()
  await using running = start(db, stages, { wallMs: 1 })
  await arrive(db, arrived)
  await applyTestLoop(db, testActor())
  await running.dispatcher.drain()
  expect(stages.calls).toEqual(['train flights.1.start_training'])
  const told = await listDecisions(db, { loop: 'flights', limit: 100 })
  expect(told[0]?.sentence).toBe(
    'Dataset version flights/1 has 3000000 rows (+3000000), up to 2001-06-30T23:59Z; 10 were set aside.',
  )
})

test('a proposal becomes a pipeline that adopts the graph, and its gate tells whose it was', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  const scripted = scriptStages()
  const pipelines: string[][] = []
  const stages: ScriptedStages = {
    ...scripted,
    startTraining: (request) => {
      pipelines.push(request.pipeline.steps.map(({ kind }) => kind))
      return scripted.startTraining(request)
    },
  }
  const time: { watermarkMs?: number; wallMs: number } = { wallMs: 1 }
  await using running = start(db, stages, time)
  await arrive(db, arrived)
  await applyTestLoop(db, testActor())
  await running.dispatcher.drain()
  await emit(db, 'pipeline_run.finished', { id: 'ref_1', state: 'succeeded', outputs: gateOutput('flights/1') })
  await running.dispatcher.drain()

  time.watermarkMs = day('2001-03-20')
  const onnx = 'ab'.repeat(32)
  const blobs = { has: async (digest: string) => digest === onnx }
  await proposeCandidate({ db, blobs }, testActor('ann'), { loop: 'flights', digest: onnx, reason: 'our own forest' })
  await running.dispatcher.drain()
  expect(pipelines[1]).toContain('models.adopt')
  expect(pipelines[1]).not.toContain('training.train')
  await emit(db, 'pipeline_run.finished', { id: 'ref_3', state: 'succeeded', outputs: gateOutput('flights/2', false) })
  await running.dispatcher.drain()
  const told = await listDecisions(db, { loop: 'flights', limit: 100 })
  expect(told.at(-1)?.sentence).toBe(
    'The gate refused flights/2 (proposed by ann: our own forest): log loss 0.413 against 0.420; flights/1 stays.',
  )
  expect(await stateOf(db)).toMatchObject({ phase: 'watching', proposals: [], attempt: null })
})
