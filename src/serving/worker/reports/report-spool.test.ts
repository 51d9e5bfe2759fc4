// The spool of reports: what is finished is read in order, what a killed worker had begun goes.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import {
  bytesOfSpool,
  clearUnfinished,
  createReportReader,
  listSpool,
  reportFileName,
  spoolReport,
  spoolReportNow,
} from './report-spool.ts'

test('finished reports are listed in the order of their numbers; unfinished ones never, and they are cleared', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-spool-'))
  const directory = join(home, 'reports')
  try {
    clearUnfinished(directory)
    await spoolReport(directory, reportFileName('w1', 10), [Buffer.from('{"n":10}')])
    spoolReportNow(directory, reportFileName('w1', 9), [Buffer.from('{"n":9}')])
    writeFileSync(join(directory, `${reportFileName('w1', 11)}.part`), '{"n":')
    const found = await listSpool(directory)
    expect(found.map(({ path }) => basename(path))).toEqual([
      'w1.000000000009.report.json',
      'w1.000000000010.report.json',
    ])
    expect(await bytesOfSpool(found)).toBe(15)
    const read = createReportReader()
    const texts = []
    for (const report of found) texts.push((await read(report)).toString())
    expect(texts).toEqual(['{"n":9}', '{"n":10}'])
    expect((await read(found[0]!)).toString()).toBe('{"n":9}')
    clearUnfinished(directory)
    expect(readdirSync(directory).toSorted()).toEqual(found.map(({ path }) => basename(path)))
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
