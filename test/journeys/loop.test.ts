// One loop's whole life, told as tests: from nothing to a live champion, through drift to its successor, and from one prediction back to
// the rows behind it. On SQLite and a folder, and on whatever servers the suite names.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { processEnvironment } from '../../src/app/config.ts'
import { pathOf } from '../../src/client/http-client.ts'
import { Plan } from '../../src/loop/plan.ts'
import { predictAll, sendOutcomes, type Answered } from './callers.ts'
import {
  eventually,
  expectHealthy,
  historyOf,
  loopState,
  openHome,
  untilDecided,
  untilCalm,
  untilServed,
  type Home,
} from './harness.ts'
import { expectOpenDoorsGuarded } from './doors.ts'
import { expectLineage } from './lineage-walk.ts'
import { dayMs, driftDay, firstDayMs, historyDays, loansLoop, loansOf, writeDay, writeHistory } from './loans.ts'

const startMs = 180_000
const waitMs = 120_000
const liveMs = 240_000
const lifeMs = 900_000
/** By then the drift is long found and its cure promoted; more days would find nothing new. */
const lastDay = driftDay + 20

const Applied = z.object({ plan: Plan, version: z.int() })
const Days = z.object({
  watermarkMs: z.int().nullable(),
  predictionsDropped: z.int(),
  arms: z.array(z.object({ version: z.string(), role: z.string(), predictions: z.int(), outcomes: z.int() })),
})

const endings = ['promoted', 'rolled_back', 'inconclusive', 'gate_refused', 'attempt_failed']

/** Of those who answered; a shadow scores what another one answers. */
function counted(arms: z.infer<typeof Days>['arms']): { predictions: number; outcomes: number } {
  const answering = arms.filter(({ role }) => role !== 'shadow')
  const sum = (of: 'predictions' | 'outcomes'): number => answering.reduce((total, arm) => total + arm[of], 0)
  return { predictions: sum('predictions'), outcomes: sum('outcomes') }
}

let home: Home
let folder: string
/** Answered, and their outcomes not yet told. */
let untold: Answered[] = []
let sent = 0

beforeAll(async () => {
  home = await openHome()
  folder = join(home.directory, 'data')
  await writeHistory(folder)
}, startMs)
afterAll(async () => {
  await home[Symbol.asyncDispose]()
}, startMs)

const apply = () =>
  home.client.call({
    method: 'POST',
    path: '/loops/apply',
    body: { spec: loansLoop(folder) },
    answer: Applied,
  })

/** One day passes: its loans are asked about, the day before becomes known and joins the data. */
async function live(day: number): Promise<Answered[]> {
  const answered = await predictAll(home.gatewayUrl, loansOf(day))
  sent += answered.length
  await untilReported(day)
  if (untold.length > 0) {
    await writeDay(folder, day - 1)
    expect(await sendOutcomes(home.client, untold)).toEqual({
      accepted: untold.length,
      duplicates: 0,
      unmatched: 0,
      revised: 0,
    })
  }
  untold = answered
  return answered
}

const days = () => home.client.call({ path: '/endpoints/loans/days', answer: Days })

async function untilReported(day: number): Promise<void> {
  const newestMs = Date.parse(loansOf(day).at(-1)!.time)
  let known: unknown
  await eventually(
    `the predictions of day ${day} to be reported`,
    async () => {
      const { watermarkMs, arms } = (known = await days()) as z.infer<typeof Days>
      return watermarkMs === newestMs && counted(arms).predictions === sent ? true : undefined
    },
    { timeoutMs: waitMs, known: () => known },
  )
}

const told = async (): Promise<string[]> => (await historyOf(home, 'loans')).map(({ kind }) => kind)

test('an applied loop goes from nothing to a live champion that answers', { timeout: liveMs }, async () => {
  const { plan, version } = await apply()
  expect(version).toBe(1)
  expect(plan.changes.length).toBeGreaterThan(0)
  const live = await untilDecided(home, 'loans', { kinds: ['went_live', ...endings], timeoutMs: waitMs })
  expect(live).toMatchObject({ kind: 'went_live', evidence: { modelVersion: 'loans/1' } })
  expect(await told()).toEqual([
    'applied',
    'ingest_started',
    'data_arrived',
    'training_started',
    'gate_passed',
    'went_live',
  ])
  await untilServed(home, 'loans')
  await expectHealthy(home)
})

test('what is applied again changes nothing', async () => {
  const story = await told()
  const plan = await home.client.call({
    method: 'POST',
    path: '/loops/plan',
    body: { spec: loansLoop(folder) },
    answer: Plan,
  })
  const again = await apply()
  expect(again.version).toBe(1)
  for (const { fromVersion, changes } of [plan, again.plan]) {
    expect(fromVersion).toBe(1)
    expect(changes.filter(({ action }) => action !== 'none')).toEqual([])
    expect(changes.length, 'it looked at every part').toBeGreaterThan(5)
  }
  expect(await told()).toEqual(story)
})

test(
  'a changed world opens the alert, and the loop replaces its model by itself, with evidence for each decision',
  { timeout: lifeMs },
  async () => {
    let day = historyDays
    for (; day < driftDay; day++) await live(day)
    await untilCalm(home, 'loans', { timeoutMs: waitMs })
    expect(await told(), 'nothing happens while the world stays as it was').not.toContain('alert_opened')
    for (; day < lastDay && !(await told()).some((kind) => endings.includes(kind)); day++) {
      await live(day)
      await untilCalm(home, 'loans', { timeoutMs: waitMs })
    }
    const story = await historyOf(home, 'loans')
    const after = story.findIndex(({ kind }) => kind === 'alert_opened')
    const kinds = story.slice(after).map(({ kind }) => kind)
    const inWords = story.map(({ kind, sentence }) => `${kind}: ${sentence}`).join('\n')
    expect(kinds.slice(0, 7), inWords).toEqual([
      'alert_opened',
      'ingest_started',
      'data_arrived',
      'training_started',
      'gate_passed',
      'rollout_started',
      'promoted',
    ])
    const alert = story[after]!
    expect(alert.atMs, 'three whole days of the new world, each with its outcomes').toBeGreaterThanOrEqual(
      firstDayMs + (driftDay + 4) * dayMs,
    )
    expect(alert.evidence).toMatchObject({ monitor: 'log_loss' })
    expect(alert.sentence).toMatch(/log loss .* is 0\.\d+, above 0\.\d+/v)
    expect(story[after + 4]!.sentence).toMatch(/log loss better by 0\.\d+ than loans\/1 on the same \d+ rows/v)
    expect((await loopState(home, 'loans')).champion).toBe('loans/2')
  },
)

test('nothing that was answered is lost, and callers meet the new champion', { timeout: liveMs }, async () => {
  const day = sent / loansOf(historyDays).length + historyDays
  await eventually(
    'the new champion to answer',
    async () => {
      const response = await fetch(new URL('/v2/models/loans', home.gatewayUrl))
      const { versions } = z.object({ versions: z.array(z.string()) }).parse(await response.json())
      return versions.includes('2') ? true : undefined
    },
    { timeoutMs: waitMs },
  )
  await live(day)
  const answered = await live(day + 1)
  expect(new Set(answered.map(({ version }) => version))).toEqual(new Set(['loans/2']))
  const { predictionsDropped, arms } = await days()
  expect(predictionsDropped).toBe(0)
  expect(counted(arms)).toEqual({ predictions: sent, outcomes: sent - untold.length })
})

test(
  'one prediction leads to its version, run, rows, gate, rollout and who approved it',
  { timeout: startMs },
  async () => {
    const [told] = await sendOutcomes(home.client, untold.slice(0, 1)).then(() => untold)
    await expectLineage(home, told!)
  },
)

test('every door of both processes asks who is there, and opens to no other site', { timeout: startMs }, async () => {
  await expectOpenDoorsGuarded(home)
  await expectHealthy(home)
  const { items } = await home.client.call({
    path: '/pipeline-runs',
    query: { limit: 100 },
    answer: z.object({ items: z.array(z.object({ id: z.string(), state: z.string() })) }),
  })
  const inWords = (await historyOf(home, 'loans')).map(({ kind, sentence }) => `${kind}: ${sentence}`).join('\n')
  expect(items.length, inWords).toBe(4) // Two ingests, two trainings.
  for (const { id, state } of items) expect(state, pathOf`/pipeline-runs/${id}`).toBe('succeeded')
})

test('its metadata and bytes lie where the settings say, and nowhere else', () => {
  const { TRUELOOP_TEST_DATABASE: database, TRUELOOP_TEST_BLOBS: blobs } = processEnvironment()
  expect(existsSync(join(home.directory, 'metadata.sqlite'))).toBe(!database)
  expect(existsSync(join(home.directory, 'blobs'))).toBe(!blobs)
})
