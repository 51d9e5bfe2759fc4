// Artifacts of a source that lie in no folder of this machine.

/** One file below a place. */
export interface RemoteFile {
  /** Below the place. */
  readonly path: string
  /** Undefined: the source does not say. */
  readonly bytes: number | undefined
  read(): AsyncIterable<Uint8Array>
}

export interface RemoteFiles {
  /** Whether files at the uri are read here; if not, they stay where they are. */
  has(uri: string): boolean
  /** All of them, of the folders below it too. What cannot be read is noted, and left out. */
  below(uri: string): AsyncIterable<RemoteFile>
}
