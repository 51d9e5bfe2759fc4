// Staging: what was read once is there after a kill, and gone after a whole import.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStaging } from './staging.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'trueloop-staging-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const experiment = { experiment_id: 7, name: 'one', lifecycle_stage: 'active' }

test('rows are there again when it is opened again, and a row with the same key takes their place', async () => {
  {
    await using staging = await openStaging(home, 'http://there')
    staging.insert('experiments', [experiment, { ...experiment, experiment_id: 8, name: 'two' }])
    staging.finish('experiments')
  }
  await using staging = await openStaging(home, 'http://there')
  expect(staging.isFinished('experiments')).toBe(true)
  expect(staging.isFinished('runs')).toBe(false)
  staging.insert('experiments', [{ ...experiment, name: 'new' }])
  const rows = await staging.all('select experiment_id, name from experiments order by experiment_id')
  expect(rows).toEqual([
    { experiment_id: 7, name: 'new' },
    { experiment_id: 8, name: 'two' },
  ])
})

test('a row that breaks a rule of the table is refused, with those beside it', async () => {
  await using staging = await openStaging(home, 'there')
  staging.insert('experiments', [experiment])
  const others = [9, 10].map((id) => ({ ...experiment, experiment_id: id }))
  expect(() => staging.insert('experiments', [{ ...experiment, name: 'third' }, ...others])).toThrow(/UNIQUE/v)
  expect(await staging.all('select name from experiments')).toEqual([{ name: 'one' }])
})

test('points are kept as MLflow keeps them: to 64 bits, infinite ones as the largest number', async () => {
  await using staging = await openStaging(home, 'there')
  const point = { key: 'loss', run_uuid: 'r', step: 2n ** 62n, timestamp: 5, is_nan: false }
  staging.insert('metrics', [
    { ...point, value: Infinity },
    { ...point, value: 0, is_nan: true },
  ])
  staging.insert('metrics', [{ ...point, value: Infinity }])
  const rows = await staging.all('select step, value, is_nan from metrics order by is_nan')
  expect(rows).toEqual([
    { step: 2n ** 62n, value: Number.MAX_VALUE, is_nan: 0 },
    { step: 2n ** 62n, value: 0, is_nan: 1 },
  ])
})

test('each origin has its own, and removing one leaves the others', async () => {
  await using one = await openStaging(home, 'one')
  await using two = await openStaging(home, 'two')
  one.insert('experiments', [experiment])
  expect(await two.all('select * from experiments')).toEqual([])
  await one.remove()
  expect(readdirSync(join(home, 'import')).filter((name) => name.endsWith('.db'))).toHaveLength(1)
  await two.remove()
  expect(readdirSync(join(home, 'import'))).toEqual([])
})
