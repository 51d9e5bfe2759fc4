// The code of a loop: the folder of its file, taken as a snapshot and sent, so that each run says what code it came from.
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import type { Client } from '../../client/http-client.ts'
import { sendSnapshot, takeSnapshot, type Snapshot } from '../../experiments/take-snapshot.ts'
import type { LoopSpec } from '../../loop/spec.ts'
import type { Session } from '../session.ts'
import type { Terminal } from '../terminal.ts'
import { bytesText, countText, numberText } from '../text.ts'

const Missing = z.object({ missing: z.array(z.string()) })
const Stored = z.object({ digest: z.string() })

/** Stores nothing. @throws as takeSnapshot */
export function takeCode({ config }: Session, path: string, { dataset }: LoopSpec): Promise<Snapshot> {
  const { source } = dataset
  const rows = source.kind === 'file' ? source.paths : []
  return takeSnapshot({ directory: dirname(resolve(path)), leftOut: [config.home], rows })
}

/** Sends what is not stored yet, and says how far it is. @throws DomainError snapshot_unstable */
export async function sendCode(
  { client, terminal }: { client: Client; terminal: Terminal },
  path: string,
  snapshot: Snapshot,
): Promise<void> {
  const progress = terminal.progress('code')
  let [wanted, sent, bytes] = [0, 0, 0]
  const store = {
    missing: async (digests: readonly string[]) => {
      const body = { digests }
      const { missing } = await client.call({ method: 'POST', path: '/blobs/missing', body, answer: Missing })
      wanted = missing.length
      return missing
    },
    put: async (content: Uint8Array<ArrayBuffer>) => {
      await client.call({ method: 'POST', path: '/blobs', bytes: content, answer: Stored })
      sent += 1
      bytes += content.byteLength
      progress.update(sent / wanted, `${countText(sent, 'file')} of ${numberText(wanted)}`)
    },
  }
  await sendSnapshot(store, dirname(resolve(path)), snapshot)
  progress.done(`${countText(sent, 'file')} sent, ${bytesText(bytes)}`)
}
