// Some two thousand calls of MLflow's API, the same to a stock server and to Trueloop on each database: no answer differs but where
// docs/reference/mlflow-differences.md says so and why. Another seed: TRUELOOP_TEST_REPLAY_SEED=<text>.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPostgres, type Postgres } from '../postgres.ts'
import { startStock, startTrueloop, type MlflowServer } from './mlflow/servers.ts'
import { knownDifferences } from './mlflow/replay/differences.ts'
import { areas, type Area } from './mlflow/replay/plan.ts'
import { answersOf, compareServers, reportOf, type Sides } from './mlflow/replay/report.ts'

const seed = process.env['TRUELOOP_TEST_REPLAY_SEED'] ?? 'replay'
const needed = new Set<string>()
/** Stock's answers by area: the same are compared with both of ours. */
const recorded = new Map<Area, ReturnType<Sides['stock']>>()

let postgres: Postgres
let stock: MlflowServer
beforeAll(async () => {
  postgres = await startPostgres()
  stock = await startStock({ isSmall: true })
}, 900_000)
afterAll(async () => {
  await stock[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

describe.each(['SQLite', 'PostgreSQL'])('Trueloop on %s', (database) => {
  let trueloop: MlflowServer
  beforeAll(async () => {
    trueloop = await startTrueloop(database === 'SQLite' ? {} : { postgres })
  })
  afterAll(() => trueloop[Symbol.asyncDispose]())

  test.each(areas)('%s: answers as stock does', async (area) => {
    const ofStock: Sides['stock'] = (calls) => {
      const answers = recorded.get(area) ?? answersOf(stock)(calls)
      recorded.set(area, answers)
      return answers
    }
    const sides: Sides = { stock: ofStock, trueloop: answersOf(trueloop) }
    const report = await compareServers(sides, { seed, areas: [area] })
    for (const { known } of report.found) if (known) needed.add(known.calls + known.field)
    expect(report.calls).toBeGreaterThan(50)
    expect(
      report.found.filter(({ known }) => !known),
      reportOf(area, report),
    ).toEqual([])
  })
})

test('every known difference is one that some call has', async () => {
  const known = await knownDifferences()
  const steady = known.filter(({ reason }) => !reason.includes('not every time'))
  expect(steady.filter(({ calls, field }) => !needed.has(calls + field))).toEqual([])
})
