// A wrong command line in one sentence.
import type { CommanderError } from 'commander'

/** `error: unknown command 'statsu'\n(Did you mean status?)` becomes `unknown command 'statsu' (did you mean status?); "trueloop help" lists …`. */
export function usageSentence({ message }: Pick<CommanderError, 'message'>): string {
  const [first = '', ...rest] = message.replace(/^error: /v, '').split('\n')
  const hint = rest
    .map((line) => line.trim())
    .filter((line) => line.length > 0)
    .map((line) => line.replace('(Did', '(did'))
  return `${[first.trim().replace(/\.$/v, ''), ...hint].join(' ')}; "trueloop help" explains each command`
}
