// What a benchmark is: sizes in, a table and its conditions out, and the text of it for docs/reference/benchmarks.md.

export interface BenchOptions {
  /** Small sizes, one round: shows that everything runs and agrees, and measures nothing worth keeping. */
  readonly isSmoke: boolean
  /** How often each side is measured, in turn; the tables hold medians. */
  readonly rounds: number
  readonly say: (text: string) => void
}

export interface Section {
  readonly title: string
  /** What is put beside what, on which data, under which conditions. */
  readonly about: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** What one must know to read the numbers. */
  readonly notes: readonly string[]
  /** How often each was measured, where that is less often than was asked for. */
  readonly rounds?: number
}

export type Bench = (options: BenchOptions) => Promise<Section>

/** A section as Markdown, without its heading. */
export function sectionText({ about, head, rows, notes }: Section): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = `|${head.map((_, at) => (at === 0 ? '---|' : '---:|')).join('')}`
  const table = [line(head), rule, ...rows.map(line)].join('\n')
  const list = notes.map((note) => `- ${note}`).join('\n')
  return [about, table, list].filter((part) => part !== '').join('\n\n')
}

export const milliseconds = (value: number): string =>
  value >= 10_000 ? `${(value / 1000).toFixed(1)} s` : `${value >= 10 ? value.toFixed(0) : value.toFixed(2)} ms`
export const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MB`
export const times = (ratio: number): string => `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)}x`

/** Of an even number, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
  if (middle === undefined) throw new Error('there is nothing to take the median of')
  return middle
}

/** The median of one number of each measurement. */
export const medianOf = <T>(measured: readonly T[], pick: (one: T) => number): number => median(measured.map(pick))

/** @throws Error when two sides that compute the same thing do not agree to `tolerance`, absolute or relative. */
export function assertClose(what: string, pair: readonly [number, number], tolerance: number): void {
  const [ours, theirs] = pair
  const allowed = tolerance * Math.max(1, Math.abs(theirs))
  // Written so that NaN fails.
  if (!(Math.abs(ours - theirs) <= allowed)) throw new Error(`${what}: ours is ${ours}, theirs ${theirs}`)
}
