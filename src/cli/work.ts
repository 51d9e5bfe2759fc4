// What runs a command: the session opened when the command is known, failures reported in one place, Ctrl-C answered with its exit code.
import type { Command } from 'commander'
import type { Session } from './session.ts'
import { exitCodes, reportFailure } from './terminal.ts'

export interface WorkOptions {
  /** The command answers Ctrl-C itself: it has something to end first. */
  readonly endsItself?: boolean
}

/** Makes a commander action of work that gets a session, then the arguments and options of the command. */
export function work<Args extends readonly unknown[]>(
  run: (session: Session, ...args: Args) => Promise<void>,
  options: WorkOptions = {},
): (this: Command, ...args: Args) => Promise<void> {
  return async function (...args) {
    const json = Boolean(this.optsWithGlobals()['json'])
    const leave = (): void => {
      process.stderr.write('\n')
      process.exit(exitCodes.interrupted)
    }
    if (!options.endsItself) process.once('SIGINT', leave)
    try {
      const { openSession } = await import('./session.ts')
      await run(openSession(json), ...args)
    } catch (error) {
      reportFailure(error, json)
    } finally {
      process.off('SIGINT', leave)
    }
  }
}

/** As {@link work}, of a command with two arguments. */
export const workOnTwo = <First, Second, Options>(
  run: (session: Session, both: readonly [First, Second], options: Options) => Promise<void>,
): ReturnType<typeof work<[First, Second, Options]>> =>
  work((session, ...[first, second, options]: [First, Second, Options]) => run(session, [first, second], options))

/** A command that only holds others: `trueloop data …`. */
export const noun = (program: Command, name: string, description: string): Command =>
  program.command(name).description(description).helpCommand(false)

/** A list's usual option. */
export const withLimit = (command: Command, count: number): Command =>
  command.option('-n, --limit <count>', 'at most so many', String(count))

/** What a change must say: it stands in the audit log. */
export const withReason = (command: Command): Command =>
  command.requiredOption('-r, --reason <text>', 'why; it stands in the audit log')
