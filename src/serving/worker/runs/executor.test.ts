// Properties of batching, over random requests, versions and times: whoever else is in the batch, an answer is the same.
import { expect, test } from 'vitest'
import type { Batch } from '../../../models/batch.ts'
import { cellAt } from '../../../models/batch.ts'
import type { Predictions } from '../../../models/inference.ts'
import type { Signature } from '../../../models/signature.ts'
import { DomainError } from '../../../platform/errors.ts'
import { silentLog } from '../../../platform/log.ts'
import { createGenerator, type Generator } from '../../../statistics/random.ts'
import { createExecutor, type Executor } from './executor.ts'
import type { Job, RunOutcome } from './job.ts'
import { laneOf, passesMax } from './lanes.ts'
import { learnRun } from './run-cost.ts'
import { createVersionQueue, enqueue, type Runner, type VersionQueue } from './version-queue.ts'

const signature: Signature = {
  task: 'regression',
  inputs: [
    { name: 'x', type: 'double', required: true },
    { name: 'word', type: 'string', required: true },
  ],
  classes: [],
}

/** The model refuses whatever run holds this word, and gives no number for the other. */
const poison = 'poison'
const broken = 'broken'

interface World {
  nowMs: number
  /** What was marked as running, one after the other; undefined: nothing. */
  readonly marks: (string | undefined)[]
  readonly executor: Executor
  /** Every run in its order: version and first value of each. */
  readonly runs: { version: string; rows: number; atMs: number }[]
}

function createWorld(): World {
  const world: World = {
    nowMs: 0,
    marks: [],
    runs: [],
    executor: createExecutor({
      nowMs: () => world.nowMs,
      mark: (version) => world.marks.push(version),
      unmark: () => world.marks.push(undefined),
      ran: () => undefined,
      log: silentLog,
    }),
  }
  return world
}

const answerOf = (weight: number, x: number, word: string): number =>
  word === broken ? Number.NaN : Math.fround(weight * x + word.length)

/** What a run of `fixedMs` and `perRowMs` says; time passes while it runs. */
function runnerOf(
  world: World,
  { version, weight, fixedMs, perRowMs }: { version: string; weight: number; fixedMs: number; perRowMs: number },
): { run(batch: Batch): Predictions } {
  return {
    run(batch) {
      world.runs.push({ version, rows: batch.rows, atMs: world.nowMs })
      world.nowMs += fixedMs + perRowMs * batch.rows
      const [x, word] = batch.columns as [Batch['columns'][0], Batch['columns'][0]]
      const values = new Float32Array(batch.rows)
      for (let row = 0; row < batch.rows; row++) {
        if (cellAt(word, row) === poison) throw new DomainError('unavailable', 'model_failed', 'poison')
        values[row] = answerOf(weight, Number(cellAt(x, row)), String(cellAt(word, row)))
      }
      return { rows: batch.rows, width: 1, values }
    },
  }
}

/** The same in another process: answers some turns later. */
function remoteOf(world: World, inner: ReturnType<typeof runnerOf>, turns: number): Runner {
  return {
    lastRunMs: 5,
    async run(batch) {
      let found: Predictions | Error
      try {
        found = inner.run(batch)
      } catch (error) {
        found = error as Error
      }
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
      if (found instanceof Error) throw found
      return found
    },
  }
}

interface Sent {
  readonly weight: number
  readonly x: number[]
  readonly words: string[]
  readonly job: Job
  outcome?: RunOutcome
  refused?: DomainError
  answers: number
  /** Rows as the settled batch held them. */
  settled?: unknown[][]
}

function send(
  world: World,
  queue: VersionQueue,
  what: { weight: number; x: number[]; words: string[]; priority?: number; timeoutMs?: number },
): Sent {
  const job: Job = {
    columns: { x: what.x, word: what.words },
    rows: what.x.length,
    enqueuedMs: world.nowMs,
    lane: laneOf(what.priority ?? 0),
    expiresAtMs: world.nowMs + (what.timeoutMs ?? Infinity),
    answer(outcome) {
      sent.answers++
      sent.outcome = outcome
    },
    settle(_, { batch, from }) {
      sent.settled = what.x.map((_value, row) => batch.columns.map((column) => cellAt(column, from + row)))
    },
    refuse(error) {
      sent.answers++
      sent.refused = error
    },
  }
  const sent: Sent = { ...what, job, answers: 0 }
  enqueue(queue, job)
  world.executor.wake(queue)
  return sent
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function untilIdle({ executor }: World): Promise<void> {
  while (!executor.isIdle) await turn()
}

const below = (random: Generator, most: number): number => Math.floor(random.uniform() * most)

function randomQueue(world: World, random: Generator, at: number): { queue: VersionQueue; weight: number } {
  const weight = at + 1
  const cost = { fixedMs: random.uniform() * 2, perRowMs: random.uniform() ** 4 * 3 }
  const inner = runnerOf(world, { version: `v/${at}`, weight, ...cost })
  const place = below(random, 3)
  const remote = place > 0 ? remoteOf(world, inner, below(random, 4)) : undefined
  const queue = createVersionQueue(`v/${at}`, { signature, local: place < 2 ? inner : undefined, remote })
  for (const rows of [1, 8, 32]) learnRun(queue.cost, rows, cost.fixedMs + cost.perRowMs * rows)
  return { queue, weight }
}

function randomRequest(random: Generator): { x: number[]; words: string[]; priority: number } {
  const rows = random.uniform() < 0.05 ? below(random, 400) : below(random, 6)
  const words = Array.from({ length: rows }, () => 'a'.repeat(below(random, 4)))
  const fault = random.uniform()
  if (rows > 0 && fault < 0.1) words[below(random, rows)] = fault < 0.05 ? poison : broken
  return { x: words.map(() => Math.round(random.normal() * 100) / 10), words, priority: below(random, 4) }
}

test('an answer is the same in whatever batch, and a request that cannot be answered fails alone', async () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = createGenerator(`mix ${seed}`)
    const world = createWorld()
    const queues = Array.from({ length: 3 }, (_, at) => randomQueue(world, random, at))
    const all: Sent[] = []
    for (let at = 0; at < 120; at++) {
      const { queue, weight } = queues[below(random, queues.length)]!
      all.push(send(world, queue, { weight, ...randomRequest(random) }))
      if (random.uniform() < 0.2) await turn()
    }
    await untilIdle(world)
    for (const { weight, x, words, outcome, answers, settled } of all) {
      expect(answers, `seed ${seed}`).toBe(1)
      expect(settled).toEqual(x.map((value, row) => [Math.fround(value), words[row]]))
      const isBad = words.includes(poison) || words.includes(broken)
      expect(outcome!.error?.code, `seed ${seed}`).toBe(isBad ? 'model_failed' : undefined)
      if (isBad) continue
      const { predictions, offset } = outcome!
      const found = [...predictions.values.subarray(offset, offset + x.length)]
      expect(found).toEqual(x.map((value, row) => answerOf(weight, Math.fround(value), words[row]!)))
    }
    expect(queues.map(({ queue }) => queue.rows)).toEqual([0, 0, 0])
  }
})

test('nothing is run after its time, nothing is refused before it, and each request is told once', async () => {
  let late = 0
  for (let seed = 0; seed < 30; seed++) {
    const random = createGenerator(`time ${seed}`)
    const world = createWorld()
    const started = new Map<Sent, number>()
    const { queue, weight } = randomQueue(world, random, 0)
    const all: Sent[] = []
    for (let at = 0; at < 80; at++) {
      const timeoutMs = random.uniform() < 0.3 ? Infinity : random.uniform() * 60
      const request = randomRequest(random)
      // One that is run again by itself, because another in its batch was poison, had its turn in time: half of the seeds have none.
      if (seed % 2 === 0) request.words.fill('a')
      all.push(send(world, queue, { weight, ...request, timeoutMs }))
      world.nowMs += random.uniform()
      if (random.uniform() < 0.3) await turn()
    }
    await untilIdle(world)
    for (const sent of all) {
      expect(sent.answers).toBe(1)
      if (sent.refused) late++
      if (sent.refused) expect(sent.refused).toMatchObject({ kind: 'unavailable', code: 'deadline_passed' })
      else started.set(sent, sent.job.enqueuedMs + sent.outcome!.queueMs)
    }
    for (const [{ job }, startMs] of started) if (seed % 2 === 0) expect(startMs).toBeLessThan(job.expiresAtMs)
    expect(queue.rows).toBe(0)
  }
  expect(late).toBeGreaterThan(50)
})

test('urgent requests go first, and those that can wait still get every ninth turn', async () => {
  const world = createWorld()
  const weight = 1
  const local = runnerOf(world, { version: 'v/0', weight, fixedMs: 0, perRowMs: 1 })
  const queue = createVersionQueue('v/0', { signature, local, remote: undefined })
  for (const rows of [1, 8, 32]) learnRun(queue.cost, rows, rows)
  const order: number[] = []
  const sendOne = (priority: number): void => {
    const sent = send(world, queue, { weight, x: [1, 2], words: ['a', 'b'], priority })
    const { answer } = sent.job
    Object.assign(sent.job, { answer: (outcome: RunOutcome) => (order.push(priority), answer(outcome)) })
  }
  // Two rows fill a run: every request is a run of its own.
  for (let at = 0; at < 40; at++) for (const priority of [3, 2, 1]) sendOne(priority)
  await untilIdle(world)
  expect(order).toHaveLength(120)
  expect(order.slice(0, passesMax)).toEqual(Array.from({ length: passesMax }, () => 1))
  const urgentEnd = order.lastIndexOf(1)
  for (const priority of [2, 3]) {
    const places = order.slice(0, urgentEnd).flatMap((found, at) => (found === priority ? [at] : []))
    const gaps = places.map((place, at) => place - (places[at - 1] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(passesMax + 2)
    expect(places.length).toBeGreaterThan(2)
    expect(places.length).toBeLessThan(urgentEnd / passesMax + 1)
  }
})

test('versions take turns, and a run elsewhere keeps nobody here from its own', async () => {
  const world = createWorld()
  const weight = 1
  const small = createVersionQueue('small', {
    signature,
    local: runnerOf(world, { version: 'small', weight, fixedMs: 0.01, perRowMs: 0.001 }),
    remote: undefined,
  })
  const big = createVersionQueue('big', {
    signature,
    local: undefined,
    remote: remoteOf(world, runnerOf(world, { version: 'big', weight, fixedMs: 50, perRowMs: 0 }), 30),
  })
  const order: string[] = []
  const sendTo = (queue: VersionQueue): void => {
    const sent = send(world, queue, { weight, x: [1], words: ['a'] })
    const { answer } = sent.job
    Object.assign(sent.job, { answer: (outcome: RunOutcome) => (order.push(queue.version), answer(outcome)) })
  }
  sendTo(big)
  for (let at = 0; at < 20; at++) {
    sendTo(small)
    await turn()
  }
  await untilIdle(world)
  expect(order).toEqual([...Array.from({ length: 20 }, () => 'small'), 'big'])
})

test('a version whose runs always end is not marked, nor is the one before it any more', async () => {
  const world = createWorld()
  const local = runnerOf(world, { version: 'v/0', weight: 1, fixedMs: 0, perRowMs: 1 })
  const [native, ours] = [local, { ...local, alwaysEnds: true }].map((runner, at) =>
    createVersionQueue(`v/${at}`, { signature, local: runner, remote: undefined }),
  ) as [VersionQueue, VersionQueue]
  for (const queue of [native, ours]) send(world, queue, { weight: 1, x: [1], words: ['a'] })
  await untilIdle(world)
  expect(world.runs).toHaveLength(2)
  expect(world.marks).toEqual(['v/0', undefined, undefined])
})

test('a queue that never empties stays small', async () => {
  const world = createWorld()
  const local = runnerOf(world, { version: 'v/0', weight: 1, fixedMs: 0, perRowMs: 1 })
  const queue = createVersionQueue('v/0', { signature, local, remote: undefined })
  for (const rows of [1, 8, 32]) learnRun(queue.cost, rows, rows)
  const sendMany = (requests: number): void => {
    for (let at = 0; at < requests; at++) send(world, queue, { weight: 1, x: [1, 2], words: ['a', 'b'] })
  }
  sendMany(50)
  for (let round = 0; round < 500; round++) {
    await turn()
    sendMany(Math.max(0, 50 - queue.rows / 2))
  }
  const lane = queue.lanes.all[1]!
  expect(world.runs.length).toBeGreaterThan(400)
  expect(lane.batch!.rows).toBeLessThanOrEqual(400)
  expect(lane.jobs.length).toBeLessThanOrEqual(200)
  await untilIdle(world)
})

test('the predicted wait is what waits before, by what it costs', () => {
  const world = createWorld()
  const local = runnerOf(world, { version: 'v/0', weight: 1, fixedMs: 0, perRowMs: 1 })
  const [first, second] = [0, 1].map((at) =>
    createVersionQueue(`v/${at}`, { signature, local, remote: undefined }),
  ) as [VersionQueue, VersionQueue]
  for (const rows of [1, 8, 32]) for (const queue of [first, second]) learnRun(queue.cost, rows, rows)
  expect(world.executor.predictedWaitMs(first, 1)).toBe(0)
  send(world, first, { weight: 1, x: [1, 2, 3], words: ['a', 'b', 'c'], priority: 3 })
  send(world, first, { weight: 1, x: [1, 2], words: ['a', 'b'] })
  send(world, second, { weight: 1, x: [1], words: ['a'] })
  expect(world.executor.predictedWaitMs(first, laneOf(1))).toBeCloseTo(1, 6)
  expect(world.executor.predictedWaitMs(first, laneOf(0))).toBeCloseTo(3, 6)
  expect(world.executor.predictedWaitMs(first, laneOf(3))).toBeCloseTo(6, 6)
})
