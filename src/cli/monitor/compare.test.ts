// Files compared on the command line, as a person calls it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../app/config.ts'
import type { TableComparison } from '../../monitoring/table-comparison.ts'
import { createTerminal } from '../terminal.ts'
import { compareData, renderComparison, type CompareOptions } from './compare.ts'

/** Two files of the same columns; the amounts of the second are higher and its days are text. */
async function openFiles(): Promise<AsyncDisposable & { readonly before: string; readonly after: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-compare-'))
  const [before, after] = [join(folder, 'before.csv'), join(folder, 'after.ndjson')]
  const rows = Array.from({ length: 2000 }, (_, row) => ({ amount: (row * 37) % 101, kind: `k${row % 3}` }))
  await writeFile(
    before,
    ['amount,kind,day', ...rows.map(({ amount, kind }) => `${amount},${kind},2024-01-01`)].join('\n'),
  )
  const lines = rows.map(({ amount, kind }) => JSON.stringify({ amount: amount + 60, kind, day: 'Monday' }))
  await writeFile(after, lines.join('\n'))
  return { before, after, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

async function compare(both: readonly [string, string], options: CompareOptions): Promise<TableComparison> {
  const shown: unknown[] = []
  const terminal = { ...createTerminal(true), show: (value: unknown) => void shown.push(value) }
  const config = loadConfig({ TRUELOOP_HOME: join(tmpdir(), 'trueloop-no-home-here') })
  await compareData({ config, terminal }, both, options)
  return shown[0] as TableComparison
}

test("two files are compared by the monitors' and by Evidently's definitions, and without a server", async () => {
  await using files = await openFiles()
  const both = [files.before, files.after] as const
  const monitors = await compare(both, { definitions: 'monitors' })
  expect(monitors.columns.map(({ name, test: method, drifted }) => [name, method, drifted])).toEqual([
    ['amount', 'psi', true],
    ['kind', 'psi', false],
  ])
  const evidently = await compare(both, { definitions: 'evidently', columns: 'kind, amount' })
  expect(evidently.columns.map(({ name, test: method }) => [name, method])).toEqual([
    ['kind', 'jensenshannon'],
    ['amount', 'wasserstein'],
  ])
  expect(renderComparison(monitors).split('\n')).toEqual([
    `${files.before} (2,000 rows) against ${files.after} (2,000 rows)`,
    '',
    expect.stringMatching(/^COLUMN {2}TEST +VALUE {2}THRESHOLD {2}DRIFTED$/v),
    expect.stringMatching(/^amount {2}psi +\d[.\d]* +0.2 {2}yes$/v),
    expect.stringMatching(/^kind {4}psi +0 +0.2 {2}no$/v),
    '',
    '1 of 2 columns drifted',
    `left out: day, it is date in ${files.before} and string in ${files.after}`,
  ])
  expect(renderComparison(evidently)).toContain('1 of 2 columns drifted: half or more, which Evidently calls drift')
})

test('what is wrong with the arguments is said', async () => {
  await using files = await openFiles()
  const both = [files.before, files.after] as const
  await expect(compare(both, { definitions: 'mine' })).rejects.toThrowError(/it takes monitors or evidently/v)
  await expect(compare(both, { definitions: 'monitors', columns: 'amount,' })).rejects.toThrowError(
    /separated by commas/v,
  )
  await expect(compare(both, { definitions: 'monitors', columns: 'age' })).rejects.toMatchObject({
    code: 'column_not_found',
  })
  await expect(compare([files.before, 'none.parquet'], { definitions: 'monitors' })).rejects.toMatchObject({
    code: 'source_not_found',
  })
  await expect(compare([files.before, 'orders/1'], { definitions: 'monitors' })).rejects.toMatchObject({
    code: 'not_running',
  })
})
