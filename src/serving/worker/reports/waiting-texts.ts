// Texts on their way to the disk, in flat memory: as objects, all that waits would be copied by each collection of garbage until it is written.

export interface WaitingTexts {
  readonly count: number
  add(text: string): void
  dropOldest(): void
  /** All that waits; what is added from now on waits for the next time. */
  take(): TakenTexts
}

export interface TakenTexts {
  readonly count: number
  /** The texts in their order, in UTF-8, one after the other. */
  readonly pieces: readonly Uint8Array[]
  /** Lets the memory be used again; the pieces are worth nothing after it. */
  release(): void
}

interface Chunk {
  readonly memory: Buffer
  /** Of each text in it, where it ends. */
  readonly ends: number[]
  /** Texts that were dropped. */
  dropped: number
}

const chunkBytes = 256 * 1024
/** Chunks that are kept for later. */
const sparesMax = 4
/** Of a character of JavaScript's in UTF-8, at most. */
const bytesPerCharacter = 3

export function createWaitingTexts(): WaitingTexts {
  let chunks: Chunk[] = []
  let spares: Buffer[] = []
  let count = 0
  const roomFor = (bytes: number): Chunk => {
    const last = chunks.at(-1)
    if (last && usedOf(last) + bytes <= last.memory.length) return last
    const memory = (bytes <= chunkBytes && spares.pop()) || Buffer.allocUnsafeSlow(Math.max(chunkBytes, bytes))
    const chunk = { memory, ends: [], dropped: 0 }
    chunks.push(chunk)
    return chunk
  }
  const keep = ({ memory }: Chunk): void => {
    if (memory.length === chunkBytes && spares.length < sparesMax) spares.push(memory)
  }
  return {
    get count() {
      return count
    },
    add(text) {
      const chunk = roomFor(text.length * bytesPerCharacter)
      const start = usedOf(chunk)
      chunk.ends.push(start + chunk.memory.write(text, start))
      count++
    },
    dropOldest() {
      const chunk = chunks[0]
      if (!chunk) return
      count--
      if (++chunk.dropped === chunk.ends.length) keep(chunks.shift()!)
    },
    take() {
      const taken = { chunks, count }
      chunks = []
      count = 0
      return {
        count: taken.count,
        pieces: taken.chunks.map((chunk) => chunk.memory.subarray(startOf(chunk), usedOf(chunk))),
        release() {
          for (const chunk of taken.chunks) keep(chunk)
          taken.chunks = []
        },
      }
    },
  }
}

const usedOf = ({ ends }: Chunk): number => ends.at(-1) ?? 0

/** Of what was not dropped. */
const startOf = ({ ends, dropped }: Chunk): number => ends[dropped - 1] ?? 0
