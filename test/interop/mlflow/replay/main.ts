// Runs the replay by hand. Run: node main.ts [--seed <text>] [--postgres] [--against stock] [--recorded <folder>] [--out <folder>] [area…].
// Prints what differs, or writes a file for each area. Stock's answers are kept in the folder of --recorded and taken from there the next time.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../../postgres.ts'
import { startStock, startTrueloop, type MlflowServer } from '../servers.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { areas, type Area } from './plan.ts'
import { replay } from './replay.ts'
import { answersOf, compareServers, reportOf } from './report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: 'replay' },
    out: { type: 'string' },
    recorded: { type: 'string' },
    against: { type: 'string', default: 'trueloop' },
    postgres: { type: 'boolean', default: false },
  },
})
const wanted = positionals.length > 0 ? (positionals as Area[]) : areas
await using resources = new AsyncDisposableStack()
const postgres = values.postgres ? resources.use(await startPostgres()) : undefined
let stock: MlflowServer | undefined
// Stock against itself shows what a replay cannot hold still.
const start =
  values.against === 'stock' ? () => startStock({ isSmall: true, postgres }) : () => startTrueloop({ postgres })
const other = resources.use(await start())
for (const area of wanted) {
  const sides = { stock: stockAnswers, trueloop: answersOf(other) }
  const text = reportOf(area, await compareServers(sides, { seed: values.seed, areas: [area] }))
  process.stdout.write(values.out === undefined ? text : text.slice(0, text.indexOf('\n') + 1))
  if (values.out === undefined) continue
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, `diff-${area}.txt`), text)
}

async function stockAnswers(calls: readonly Call[]): Promise<readonly Answer[]> {
  const name = createHash('sha256')
    .update(JSON.stringify([values.postgres, calls]))
    .digest('hex')
  const file = values.recorded === undefined ? undefined : join(values.recorded, `${name.slice(0, 16)}.json`)
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Answer[]
  stock ??= resources.use(await startStock({ isSmall: true, postgres }))
  const answers = await replay(stock, calls)
  if (file !== undefined) {
    mkdirSync(values.recorded!, { recursive: true })
    writeFileSync(file, JSON.stringify(answers))
  }
  return answers
}
