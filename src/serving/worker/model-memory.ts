// The memory of what was prepared of models, used again: V8 answers some new megabytes with a collection of all its garbage, and a new version
// comes to every worker at the same moment.

export interface ModelMemory {
  /** So many bytes or more, whatever stands in them. */
  take(bytes: number): Buffer
  /** Of what was taken; nobody looks at it any more. */
  giveBack(memory: Buffer): void
}

/** What is smaller costs nothing, and what is larger is not kept for a version that may never come. */
const keptBytesMin = 1024 * 1024
const keptBytesMax = 64 * 1024 * 1024
const keptMax = 2
/** The next version of a model has about the size of the last one. */
const roomShare = 1 / 8
/** A small model must not sit in the memory that a large one will want. */
const fitMax = 4

export function createModelMemory(): ModelMemory {
  let kept: readonly Buffer[] = []
  return {
    take(bytes) {
      const [smallest] = kept
        .filter(({ length }) => length >= bytes && length <= bytes * fitMax)
        .toSorted((one, other) => one.length - other.length)
      kept = kept.filter((memory) => memory !== smallest)
      if (smallest) return smallest
      return Buffer.allocUnsafeSlow(bytes < keptBytesMin ? bytes : bytes + Math.ceil(bytes * roomShare))
    },
    giveBack(memory) {
      if (memory.length < keptBytesMin || memory.length > keptBytesMax) return
      kept = [...kept, memory].slice(-keptMax)
    },
  }
}
