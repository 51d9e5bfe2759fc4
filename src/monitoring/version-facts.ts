// What monitoring must know of a model version: its task, its classes and its baseline.
import type { Db } from '../platform/database.ts'
import type { Baseline } from '../models/baseline.ts'
import { findBaseline, findVersion, type ModelVersionTables } from '../models/model-version-store.ts'
import { parseVersion } from '../models/model-version.ts'
import type { Task } from '../models/signature.ts'

export interface VersionFacts {
  readonly task: Task
  /** Class names in the order of the probabilities; the second is the positive one of a binary task. */
  readonly classes: readonly string[]
  /** Null: the version was registered without one, and nothing can be compared with its training. */
  readonly baseline: Baseline | null
}

/** By `model/version`; undefined for a version that nobody registered, or that has no graph. Takes the caller's transaction. */
export type VersionLookup = (db: Db<ModelVersionTables>, version: string) => Promise<VersionFacts | undefined>

const keptVersionsMax = 256

/** Facts from the registry, the newest remembered: a version never changes. */
export function registryVersions(): VersionLookup {
  const kept = new Map<string, VersionFacts>()
  return async (db, text) => {
    const known = kept.get(text)
    if (known) return known
    const id = parseVersion(text)
    const version = await findVersion(db, id)
    if (!version?.signature) return undefined
    const { task, classes } = version.signature
    const facts: VersionFacts = { task, classes, baseline: (await findBaseline(db, id)) ?? null }
    if (kept.size >= keptVersionsMax) for (const oldest of kept.keys()) if (kept.delete(oldest)) break
    kept.set(text, facts)
    return facts
  }
}
