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
  /** All of them, of the folders below it too. */
  below(uri: string): AsyncIterable<RemoteFile>
  /** Notes that files at the uri are left out, for an error of theirs alone. @throws the error when it is of all of the source */
  leaveOut(uri: string, error: unknown): void
}
