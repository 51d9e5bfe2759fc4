// A process killed with SIGKILL while its transactions share commits: those that were told to be done are there, and each is whole.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { sleep } from './clock.ts'

const kills = 12
const writers = 48
const [killMsMin, killMsMax] = [20, 250]

/** Writes two rows in each transaction, and prints its number when it is done. */
const program = (path: string, from: number): string => `
  import { writeSync } from 'node:fs'
  import { on, openDatabase, transact } from ${JSON.stringify(import.meta.resolve('./database.ts'))}
  const { db } = await openDatabase(${JSON.stringify(`sqlite:${path}`)})
  let next = ${from}
  const add = (trx, id, part) => on(trx).insertInto('pair').values({ id, part }).execute()
  async function write() {
    for (;;) {
      const id = next++
      await transact(db, async (trx) => {
        await add(trx, id, 0)
        if (id % 3 === 0) await new Promise(setImmediate)
        await add(trx, id, 1)
      })
      writeSync(1, id + '\\n')
    }
  }
  await Promise.all(Array.from({ length: ${writers} }, write))`

test('what was told to be done survives each kill, whole', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'trueloop-turns-'))
  const path = join(directory, 'test.sqlite')
  const made = new DatabaseSync(path)
  made.exec('create table pair (id integer, part integer, primary key (id, part))')
  made.close()
  const told: number[] = []
  for (let kill = 0; kill < kills; kill++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program(path, kill * 1_000_000)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    await once(child.stdout, 'data') // It is at work.
    await sleep(killMsMin + Math.random() * (killMsMax - killMsMin))
    child.kill('SIGKILL')
    await once(child, 'close')
    // The last line may have been cut.
    told.push(...said.split('\n').slice(0, -1).map(Number))
  }
  using found = new DatabaseSync(path)
  const stored = new Map(
    found
      .prepare('select id, count(*) as parts from pair group by id')
      .all()
      .map(({ id, parts }) => [Number(id), Number(parts)]),
  )
  expect(told.filter((id) => !stored.has(id))).toEqual([])
  expect([...stored].filter(([, parts]) => parts !== 2)).toEqual([])
  expect(told.length).toBeGreaterThan(kills * writers)
  rmSync(directory, { recursive: true })
})
