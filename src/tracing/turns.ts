// Long lists, a part in each turn of the event loop: SQLite's connection is synchronous, and others want their turns.
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What one turn may do. */
export interface TurnLimit<T> {
  readonly items: number
  /** In any unit; an item that is larger than all of it is alone. */
  readonly size?: { readonly of: (item: T) => number; readonly most: number }
}

export async function* inTurns<T>(items: readonly T[], limit: TurnLimit<T>): AsyncGenerator<T[]> {
  for (let at = 0; at < items.length;) {
    if (at > 0) await nextTurn()
    const end = endOfPart(items, at, limit)
    yield items.slice(at, end)
    at = end
  }
}

/** Index after the last item of the part that begins at `start`; there is at least one. */
export function endOfPart<T>(items: readonly T[], start: number, limit: TurnLimit<T>): number {
  const { items: count, size } = limit
  const last = Math.min(items.length, start + count)
  if (!size) return last
  let end = start + 1
  let sum = size.of(items[start]!)
  while (end < last && (sum += size.of(items[end]!)) <= size.most) end++
  return end
}
