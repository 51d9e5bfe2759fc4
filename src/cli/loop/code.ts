// The code of a loop: the folder of its file, taken as a snapshot and sent, so that each run says what code it came from.
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import type { Client } from '../../client/http-client.ts'
import { sendSnapshot, takeSnapshot, type Snapshot } from '../../experiments/take-snapshot.ts'
import type { LoopSpec } from '../../loop/spec.ts'
import type { Session } from '../session.ts'

const Missing = z.object({ missing: z.array(z.string()) })
const Stored = z.object({ digest: z.string() })

/** Stores nothing. @throws as takeSnapshot */
export function takeCode({ config }: Session, path: string, { dataset }: LoopSpec): Promise<Snapshot> {
  const { source } = dataset
  const rows = source.kind === 'file' ? source.paths : []
  return takeSnapshot({ directory: dirname(resolve(path)), leftOut: [config.home], rows })
}

/** Sends what is not stored yet. @throws DomainError snapshot_unstable */
export function sendCode(client: Client, path: string, snapshot: Snapshot): Promise<void> {
  const store = {
    missing: async (digests: readonly string[]) => {
      const body = { digests }
      return (await client.call({ method: 'POST', path: '/blobs/missing', body, answer: Missing })).missing
    },
    put: (bytes: Uint8Array<ArrayBuffer>) => client.call({ method: 'POST', path: '/blobs', bytes, answer: Stored }),
  }
  return sendSnapshot(store, dirname(resolve(path)), snapshot)
}
