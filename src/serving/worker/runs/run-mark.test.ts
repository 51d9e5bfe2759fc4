// The mark of a worker, as its primary finds it at any moment.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sleep } from '../../../platform/clock.ts'
import { openRunMark, readRunMark } from './run-mark.ts'

test('a mark tells the version that runs and the rows that no report tells of', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'trueloop-mark-'))
  const path = join(directory, 'workers', 'wrk_1.mark')
  const nothing = { version: undefined, rowsUnreported: 0 }
  let answered = 0
  try {
    expect(readRunMark(path), 'never opened').toEqual(nothing)
    const mark = openRunMark(path, () => answered)
    expect(readRunMark(path)).toEqual(nothing)
    mark.set('flights/12')
    answered = 2 ** 33
    expect(readRunMark(path), 'while it runs').toEqual({ version: 'flights/12', rowsUnreported: 0 })
    mark.clear()
    expect(readRunMark(path)).toEqual({ version: undefined, rowsUnreported: 2 ** 33 })
    mark.setReported(2 ** 33 - 3)
    mark.set('flights/9')
    expect(readRunMark(path), 'shorter than the one before').toEqual({ version: 'flights/9', rowsUnreported: 3 })
    mark.set(`flights/${'9'.repeat(400)}`)
    expect(readRunMark(path), "cut, and in nobody's way").toMatchObject({ rowsUnreported: 3 })
    answered += 1
    mark.clear()
    mark.setReported(answered)
    expect(readRunMark(path)).toEqual(nothing)
    mark.noteAnswers()
    answered += 5
    await expect.poll(() => readRunMark(path), { timeout: 60_000 }).toEqual({ version: undefined, rowsUnreported: 5 })
    mark.noteAnswers()
    mark.set('flights/9')
    await sleep(20)
    expect(readRunMark(path), 'a mark stays').toEqual({ version: 'flights/9', rowsUnreported: 5 })
    mark.close()
    mark.set('flights/10')
    expect(readRunMark(path), 'written no more').toEqual({ version: 'flights/9', rowsUnreported: 5 })
    truncateSync(path, 10)
    expect(readRunMark(path), 'killed while it opened it').toEqual(nothing)
    writeFileSync(path, '')
    expect(readRunMark(path)).toEqual(nothing)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
