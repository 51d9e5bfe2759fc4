// What the comparison of both sides told.
import { SetDigest } from './digest.ts'

export interface Subject {
  readonly kind: string
  /** The thing that they are of, in words. */
  readonly whose: string
}

/** One cause may make a difference of everything. */
const differencesKept = 1_000

export class Report {
  readonly #digests = new Map<string, SetDigest>()
  /** What is not here as it is there: a sentence each, of the first {@link differencesKept}. */
  readonly differences: string[] = []
  differenceCount = 0

  add({ kind, whose }: Subject, { theirs, ours }: { theirs: SetDigest; ours: SetDigest }): void {
    const total = this.#digests.get(kind) ?? new SetDigest()
    this.#digests.set(kind, total)
    total.merge(ours)
    if (ours.equals(theirs)) return
    this.differenceCount += 1
    if (this.differences.length === differencesKept) return
    const counts =
      theirs.count === ours.count
        ? `${ours.count} here as at the source, but not the same`
        : `${ours.count} here and ${theirs.count} at the source`
    this.differences.push(`${whose}: ${kind}, ${counts}`)
  }

  /** Of each kind that there is: how many there are here, and their digest. */
  get compared(): Readonly<Record<string, { count: number; digest: string }>> {
    return Object.fromEntries(
      [...this.#digests]
        .filter(([, { count }]) => count > 0)
        .map(([kind, { count, digest }]) => [kind, { count, digest }]),
    )
  }
}
