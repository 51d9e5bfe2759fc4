// trueloop help: a command's help, or a topic that belongs to no command.
import type { Command } from 'commander'
import { DomainError } from '../platform/errors.ts'
import { commandUses } from './command-tree.ts'
import { exitCodes } from './terminal.ts'

/** What each exit code says to a script. */
export const exitCodeMeanings: Readonly<Record<'success' | keyof typeof exitCodes, string>> = {
  success: 'it worked',
  failure: 'it failed; the message says what, which one and what to do',
  usage: 'the command line is wrong',
  notFound: 'what was named is not there',
  unauthenticated: 'no token, or one that is not valid: see TRUELOOP_TOKEN',
  forbidden: 'the token may not do that',
  conflict: 'something else stands in the way: it exists, runs, or has moved meanwhile',
  gateFailed: 'a model version did not pass its gate',
  integrity: 'stored bytes are not what was stored',
  timeout: 'it took longer than it was given',
  interrupted: 'ended with Ctrl-C',
}

export const exitCodeLines = (): [number, string][] =>
  Object.entries(exitCodeMeanings).map(([name, meaning]) => [
    name === 'success' ? 0 : exitCodes[name as keyof typeof exitCodes],
    meaning,
  ])

/** Prints to standard output. @throws DomainError help_unknown */
export function helpOf(program: Command, topic: readonly string[]): void {
  if (topic[0] === 'exit-codes') {
    const lines = exitCodeLines().map(([code, meaning]) => `${String(code).padStart(4)}  ${meaning}`)
    process.stdout.write(`Exit codes\n\n${lines.join('\n')}\n`)
    return
  }
  if (topic[0] === 'commands') {
    const uses = commandUses(program)
    const width = Math.max(...uses.map(({ use }) => use.length))
    const lines = uses.map(({ use, description }) => `  ${use.padEnd(width)}  ${description}`)
    process.stdout.write(`Commands\n\n${lines.join('\n')}\n`)
    return
  }
  let command = program
  for (const name of topic) {
    const next = command.commands.find((each) => each.name() === name)
    if (!next)
      throw new DomainError(
        'invalid',
        'help_unknown',
        `there is no help on "${topic.join(' ')}"; "trueloop help" lists the commands`,
      )
    command = next
  }
  command.outputHelp()
}
