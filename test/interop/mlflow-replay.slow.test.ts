// Some two and a half thousand calls of MLflow's API, the same to a stock server and to Trueloop, both on SQLite and both on PostgreSQL: no answer
// differs but where docs/reference/mlflow-differences.md says so and why. Another seed: TRUELOOP_TEST_REPLAY_SEED=<text>.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPostgres, type Postgres } from '../postgres.ts'
import { startStock, startTrueloop, type MlflowServer } from './mlflow/servers.ts'
import { knownDifferences } from './mlflow/replay/differences.ts'
import { areas } from './mlflow/replay/plan.ts'
import { answersOf, compareServers, reportOf } from './mlflow/replay/report.ts'

const seed = process.env['TRUELOOP_TEST_REPLAY_SEED'] ?? 'replay'
const needed = new Set<string>()

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 900_000)
afterAll(() => postgres[Symbol.asyncDispose]())

describe.each(['SQLite', 'PostgreSQL'])('on %s', (database) => {
  let stock: MlflowServer
  let trueloop: MlflowServer
  beforeAll(async () => {
    const options = database === 'SQLite' ? {} : { postgres }
    stock = await startStock({ ...options, isSmall: true })
    trueloop = await startTrueloop(options)
  }, 900_000)
  afterAll(async () => {
    await stock[Symbol.asyncDispose]()
    await trueloop[Symbol.asyncDispose]()
  })

  test.each(areas)('%s: answers as stock does', async (area) => {
    const sides = { stock: answersOf(stock), trueloop: answersOf(trueloop) }
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
