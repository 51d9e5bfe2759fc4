// A name that nobody has, beside those that are there: what was meant, for messages. Pure.

/** Letters typed wrong, left out, doubled or swapped that still let a name be meant. */
const editsMax = (name: string): number => Math.max(1, Math.floor(name.length / 3))
const shownMax = 20

/** `did you mean "flights"? there are flights, people`; `there are none` without any. */
export function namesHint(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'there are none'
  const more = known.length > shownMax ? `, … (${known.length})` : ''
  const list = `there are ${known.slice(0, shownMax).join(', ')}${more}`
  const near = nearName(name, known)
  return near === undefined ? list : `did you mean "${near}"? ${list}`
}

/** The one that differs least, if it is near enough to be meant; upper and lower case are the same. */
export function nearName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase()
  const [best] = known
    .map((each) => ({ each, edits: editsBetween(wanted, each.toLowerCase()) }))
    .filter(({ edits }) => edits <= editsMax(wanted))
    .toSorted((a, b) => a.edits - b.edits)
  return best?.each
}

/** Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours. */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > editsMax(a)) return Infinity
  let [before, above]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = above![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(replaced, above![j]! + 1, row[j - 1]! + 1, isSwap ? before![j - 2]! + 1 : Infinity))
    }
    before = above
    above = row
  }
  return above![b.length]!
}
