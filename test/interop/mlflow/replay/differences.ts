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

/** Rows of the table whose head is `calls | differs in | why`, one for each of its calls. */
export async function knownDifferences(): Promise<KnownDifference[]> {
  const rows = (await readFile(file, 'utf8')).split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((line) => {
    const [calls = '', field = '', reason = ''] = line
      .split(/(?<!\\)\|/v)
      .slice(1, 4)
      .map((cell) => cell.trim().replaceAll('\\|', '|'))
    const known = codesOf(calls).map((one) => ({ calls: one, field: codesOf(field).join(), reason }))
    if (known.length === 0 || known.some((one) => one.field === '' || reason === ''))
      throw new Error(`a row is not whole: ${line}`)
    return known
  })
}

const codesOf = (cell: string): string[] =>
  [...cell.matchAll(/`(?<text>[^`]+)`/gv)].map(({ groups }) => groups!['text']!)

export const isKnown = ({ calls, field }: KnownDifference, { area, label }: Call, difference: Difference): boolean =>
  matches(calls, `${area}: ${label}`) && matches(field, difference.field)

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => RegExp.escape(part))
  return new RegExp(`^${parts.join('[\\s\\S]*')}$`, 'v').test(text)
}
