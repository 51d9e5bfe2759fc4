// Runs the benchmarks and writes docs/reference/benchmarks.md. Run: npm run bench [-- --rounds <n>] [name…], or npm run bench:smoke for small sizes,
// which writes nothing. With names, only the sections of those are written anew.
import { readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { sectionText, type Bench } from './bench.ts'
import { driftBench } from './drift.ts'
import { ingestBench } from './ingest.ts'
import { machineText, versionsText } from './machine.ts'
import { memoryBench } from './memory.ts'
import { mlflowBench, mlflowPostgresBench } from './mlflow.ts'
import { rivalsBench } from './rivals.ts'
import { servingBench } from './serving.ts'
import { trainingBench } from './training.ts'

const benches: Readonly<Record<string, Bench>> = {
  ingest: ingestBench,
  training: trainingBench,
  serving: servingBench,
  rivals: rivalsBench,
  drift: driftBench,
  memory: memoryBench,
  mlflow: mlflowBench,
  mlflow_postgres: mlflowPostgresBench,
}
const defaultRounds = 5
const file = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'benchmarks.md')
const introduction = `# Benchmarks

Written by \`npm run bench\`; do not edit. Both sides of a comparison run on one machine, in turn, several times; the tables hold medians. Read the
ratios: absolute times are those of the machine named under each table. Every section can be made again by the command at its end.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { smoke: { type: 'boolean', default: false }, rounds: { type: 'string' } },
})
const isSmoke = values.smoke
const rounds = Number(values.rounds ?? (isSmoke ? 1 : defaultRounds))
const names = positionals.length > 0 ? positionals : Object.keys(benches)
const unknown = names.find((name) => !Object.hasOwn(benches, name))
if (unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
  const problem = unknown === undefined ? '--rounds is a whole number from 1' : `there is no benchmark "${unknown}"`
  console.error(`${problem}; the benchmarks are ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}

// Every process that it starts inherits it: ONNX Runtime, in Node and in Python, reports nothing to its maker.
process.env['ORT_DISABLE_TELEMETRY'] = '1'
for (const name of names) {
  const start = performance.now()
  const say = (text: string): void => console.error(`${name}: ${text}`)
  const section = await benches[name]!({ isSmoke, rounds, say })
  const command = `npm run bench -- --rounds ${rounds} ${name}`
  const made = `Medians of ${section.rounds ?? rounds}. ${machineText()}; ${versionsText()}. Made by \`${command}\`.`
  const text = `## ${section.title}\n\n${sectionText(section)}\n\n${made}`
  console.log(`\n${text}`)
  say(`took ${((performance.now() - start) / 1000).toFixed(0)} s`)
  if (!isSmoke) writeSection(name, text)
}

/** Sections stand in the order of `benches`, each after a mark with its name; those that were not run stay. */
function writeSection(name: string, text: string): void {
  const sections = new Map<string, string>()
  const before = existsSync(file) ? readFileSync(file, 'utf8').split(/^<!-- bench (?<name>\w+) -->$/mv) : []
  for (let at = 1; at + 1 < before.length; at += 2) sections.set(before[at]!, before[at + 1]!.trim())
  sections.set(name, text)
  const known = Object.keys(benches).filter((each) => sections.has(each))
  const parts = known.map((each) => `<!-- bench ${each} -->\n\n${sections.get(each)}`)
  writeFileSync(file, [introduction, ...parts].join('\n\n') + '\n')
}
