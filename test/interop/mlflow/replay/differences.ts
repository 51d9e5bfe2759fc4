// The known differences: the table of docs/reference/mlflow-differences.md, which is what people read, is what the replay allows.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Call } from './call.ts'
import type { Difference } from './compare.ts'

export interface KnownDifference {
  /** An area and a label of the replay, `*` standing for any text: `runs: create run, bad start`. */
  readonly calls: string
  /** What differs first, `*` standing for any text. */
  readonly field: string
  readonly reason: string
}

const file = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'reference', 'mlflow-differences.md')

/** Rows of the table whose head is `calls | differs in | why`. */
export async function knownDifferences(): Promise<KnownDifference[]> {
  const rows = (await readFile(file, 'utf8')).split('\n').filter((line) => line.startsWith('| `'))
  return rows.map((line) => {
    const [calls, field, reason] = line
      .split(/(?<!\\)\|/v)
      .slice(1, 4)
      .map((cell) => cell.trim().replaceAll('\\|', '|'))
    const code = (cell: string | undefined): string => /^`(?<text>.*)`$/v.exec(cell ?? '')?.groups?.['text'] ?? ''
    const known = { calls: code(calls), field: code(field), reason: reason ?? '' }
    if (known.calls === '' || known.field === '' || known.reason === '') throw new Error(`a row is not whole: ${line}`)
    return known
  })
}

export const isKnown = ({ calls, field }: KnownDifference, { area, label }: Call, difference: Difference): boolean =>
  matches(calls, `${area}: ${label}`) && matches(field, difference.field)

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => RegExp.escape(part))
  return new RegExp(`^${parts.join('[\\s\\S]*')}$`, 'v').test(text)
}
