// The command line's entry: parses it, runs one command, and ends with the exit code that says how it went.
import { CommanderError } from 'commander'
import { createProgram } from './program.ts'
import { exitCodes, reportFailure } from './terminal.ts'
import { usageSentence } from './usage.ts'

const shownOnPurpose: ReadonlySet<string> = new Set(['commander.helpDisplayed', 'commander.version'])

async function main(args: readonly string[]): Promise<void> {
  const program = createProgram()
  const json = args.includes('--json')
  if (args.length === 0) return program.outputHelp()
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error, json)
    if (shownOnPurpose.has(error.code)) return
    process.exitCode = exitCodes.usage
    if (error.code === 'commander.help') return // A noun without a verb: its help is on standard error.
    const message = usageSentence(error)
    process.stderr.write(json ? `${JSON.stringify({ error: { code: 'usage', message } })}\n` : `error ${message}\n`)
  }
}

// A reader that had enough (`trueloop audit | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
await main(process.argv.slice(2))
