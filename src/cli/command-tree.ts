// The commands of a program as a list: for its documentation, and the test that holds the two together.
import type { Command } from 'commander'

export interface CommandUse {
  /** `data show` */
  readonly path: string
  /** With its arguments: `data show <version>`. */
  readonly use: string
  readonly description: string
  /** Long flags, without those that every command has: `--limit`. */
  readonly flags: readonly string[]
}

/** Every command that does something, in the order of the help; a noun that only holds others is left out. */
export function commandUses(command: Command, prefix = ''): CommandUse[] {
  return command.commands.flatMap((each) => {
    const path = `${prefix}${each.name()}`
    if (each.commands.length > 0) return commandUses(each, `${path} `)
    const names = each.registeredArguments.map((argument) => {
      const name = `${argument.name()}${argument.variadic ? '…' : ''}`
      return argument.required ? `<${name}>` : `[${name}]`
    })
    const flags = each.options.map(({ long, short }) => long ?? short ?? '')
    return [{ path, use: [path, ...names].join(' '), description: each.description(), flags }]
  })
}
