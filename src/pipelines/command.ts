// What a command is: a program with its arguments and what it finds in its environment. No shell ever sees either. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'

/** The program and its arguments; `{inputs}` and `{outputs}` in them stand for the directories. */
export const CommandLine = z.array(z.string().max(32_768)).min(1).max(1_000)

/** Added to a command's environment, over nothing of ours. */
export const CommandVariables = z.record(
  z.string().regex(/^(?!TRUELOOP_)[A-Z_][A-Z0-9_]{0,127}$/v, 'an environment variable, and none of ours'),
  z.string().max(32_768),
)

export const commandNotFound = (program: string, code: string): DomainError =>
  new DomainError(
    'invalid',
    'command_not_found',
    `the command "${program}" cannot be run (${code}): install it where PATH finds it, or write the path of one that exists`,
  )

/** To be tried again: nobody can tell a passing failure of a command from one that stays. */
export const commandFailed = (program: string, { how, said }: { how: string; said: string }): DomainError =>
  new DomainError(
    'unavailable',
    'command_failed',
    `the command "${program}" ${how}${said === '' ? ' and printed nothing' : `; its log ends: ${said}`}`,
  )

export const commandOutputInvalid = (why: string): DomainError =>
  new DomainError('invalid', 'command_output_invalid', why)

const saidLines = 12
const saidCharacters = 1_500

/** The end of a log in one line, for an error that travels. */
export const endOfLog = (log: string): string =>
  log
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-saidLines)
    .join(' | ')
    .slice(-saidCharacters)
