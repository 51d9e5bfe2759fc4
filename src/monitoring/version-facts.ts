// What monitoring must know of a model version: its task, its classes and its baseline. The registry keeps them; `app` passes the look-up in.
import type { Baseline } from '../models/baseline.ts'
import type { Task } from '../models/signature.ts'

export interface VersionFacts {
  readonly task: Task
  /** Class names in the order of the probabilities; the second is the positive one of a binary task. */
  readonly classes: readonly string[]
  readonly baseline: Baseline
}

/** By `model/version`; undefined for a version that nobody registered. Versions never change, so answers may be kept. */
export type VersionLookup = (version: string) => VersionFacts | undefined | Promise<VersionFacts | undefined>

const keptVersionsMax = 256

/** The same look-up, remembering the newest answers. */
export function rememberVersions(lookup: VersionLookup): VersionLookup {
  const kept = new Map<string, VersionFacts>()
  return async (version) => {
    const known = kept.get(version)
    if (known) return known
    const facts = await lookup(version)
    if (!facts) return undefined
    if (kept.size >= keptVersionsMax) for (const oldest of kept.keys()) if (kept.delete(oldest)) break
    kept.set(version, facts)
    return facts
  }
}
