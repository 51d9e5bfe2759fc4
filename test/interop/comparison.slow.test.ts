// Tables compared by Evidently's definitions beside Evidently itself, which finds the kinds of columns by itself.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSource } from '../../src/data/source-table.ts'
import { compareTables } from '../../src/monitoring/table-comparison.ts'
import { openTables } from '../../src/platform/tables.ts'
import { ensureVenv } from './venv.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, 'comparison_reference.py')

interface Case {
  readonly rows: readonly [number, number]
  /** By column. */
  readonly scores: Readonly<Record<string, number>>
}

let directory: string
let cases: Case[]

beforeAll(async () => {
  const venv = await ensureVenv(['evidently==0.7.23', 'pandas==2.3.3', 'pyarrow==26.0.1'])
  directory = await mkdtemp(join(tmpdir(), 'trueloop-comparison-'))
  const { stdout } = await run(venv.python, [script, directory])
  cases = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Case[]
}, 600_000)

afterAll(async () => rm(directory, { recursive: true, force: true }))

test("every column has Evidently's score, whatever its kind and however many rows there are", async () => {
  expect(cases).toHaveLength(4)
  for (const [index, { rows, scores }] of cases.entries()) {
    const compared = await compareFiles(index)
    expect(compared.rows).toEqual(rows)
    expect(compared.leftOut).toEqual([])
    expect(compared.columns.map(({ name }) => name).toSorted()).toEqual(Object.keys(scores).toSorted())
    for (const { name, value } of compared.columns) {
      const difference = Math.abs(value - scores[name]!)
      expect([index, name, difference <= 1e-6]).toEqual([index, name, true])
    }
  }
})

async function compareFiles(index: number) {
  const tempDirectory = await mkdtemp(join(directory, 'tables-'))
  await using tables = await openTables({ memoryLimitBytes: 512 * 1024 * 1024, tempDirectory, threads: 2 })
  const open = async (view: string) => {
    const scratchDirectory = await mkdtemp(join(directory, 'source-'))
    const columns = await openSource(
      { tables, scratchDirectory, signal: new AbortController().signal },
      { source: { kind: 'file', paths: [join(directory, `${view}-${index}.parquet`)] }, table: view },
    )
    return { view, title: view, columns }
  }
  const sides = [await open('before'), await open('after')] as const
  return await compareTables(tables, { sides, definitions: 'evidently' })
}
