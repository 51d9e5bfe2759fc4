// Runs the replay by hand. Run: node main.ts [--seed <text>] [--out <folder>] [area…]. Prints what differs, grouped by area, and writes a file for each.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../../postgres.ts'
import { startStock, startTrueloop } from '../servers.ts'
import { areas, type Area } from './plan.ts'
import { compareServers, reportOf } from './report.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: 'replay' },
    out: { type: 'string' },
    against: { type: 'string', default: 'trueloop' },
    postgres: { type: 'boolean', default: false },
  },
})
const wanted = positionals.length > 0 ? (positionals as Area[]) : areas
await using postgres = values.postgres ? await startPostgres() : undefined
await using stock = await startStock({ workers: 1, postgres })
// Stock against itself shows what a replay cannot hold still.
await using other =
  values.against === 'stock' ? await startStock({ workers: 1, postgres }) : await startTrueloop({ postgres })
for (const area of wanted) {
  const report = await compareServers({ stock, trueloop: other }, { seed: values.seed, areas: [area] })
  const text = reportOf(area, report)
  process.stdout.write(values.out === undefined ? text : text.slice(0, text.indexOf('\n') + 1))
  if (values.out === undefined) continue
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, `diff-${area}.txt`), text)
}
