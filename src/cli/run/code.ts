// trueloop run code: what code a run came from, file by file, and all of it again in a folder.
import { resolve } from 'node:path'
import { pathOf, type Client } from '../../client/http-client.ts'
import { readSnapshot, restoreSnapshot } from '../../experiments/restore-snapshot.ts'
import { WireRun, type Code } from '../../experiments/run.ts'
import { bytesOf, type SnapshotFile } from '../../experiments/snapshot.ts'
import { DomainError } from '../../platform/errors.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { bytesText, codeText, countText } from '../text.ts'

export interface CodeOptions {
  /** Folder to write into. */
  readonly to?: string
}

/** @throws DomainError run_code_missing, folder_not_empty, blob_corrupt */
export async function runCode(session: Session, id: string, { to }: CodeOptions): Promise<void> {
  const client = connect(session)
  const { code } = await client.call({ path: pathOf`/runs/${id}`, answer: WireRun })
  if (!code?.snapshot) throw codeMissing(id)
  const manifest = await readSnapshot({ stream: (digest) => streamBlob(client, digest) }, code.snapshot)
  if (to === undefined) return session.terminal.show({ code, files: manifest.files }, renderCode)
  const folder = resolve(to)
  await restoreSnapshot({ manifest, folder, read: (digest) => readBlob(client, digest) })
  const bytes = bytesOf(manifest.files)
  session.terminal.show({ code, folder, files: manifest.files.length, bytes }, () =>
    [
      `Wrote ${countText(manifest.files.length, 'file')} (${bytesText(bytes)}) into ${folder}.`,
      ...(code.commit ? [`They are of commit ${code.commit}${code.isDirty ? ', with changes' : ''}.`] : []),
    ].join('\n'),
  )
}

const codeMissing = (id: string): DomainError =>
  new DomainError(
    'not_found',
    'run_code_missing',
    `run "${id}" has no code: it was recorded without, or its loop was applied by other means than "trueloop apply"`,
  )

async function* streamBlob(client: Client, digest: string): AsyncIterable<Uint8Array> {
  const { body } = await client.send({ path: pathOf`/blobs/${digest}` })
  if (body) yield* body
}

async function readBlob(client: Client, digest: string): Promise<Uint8Array> {
  return new Uint8Array(await (await client.send({ path: pathOf`/blobs/${digest}` })).arrayBuffer())
}

const renderCode = ({ code, files }: { code: Code; files: readonly SnapshotFile[] }): string =>
  [
    `${codeText(code)}: ${countText(files.length, 'file')}, ${bytesText(bytesOf(files))}`,
    table(
      ['PATH', 'SIZE', 'DIGEST'],
      files.map(({ path, bytes, mode, digest }) => [
        mode === 'file' ? path : `${path} (${mode})`,
        bytesText(bytes),
        digest,
      ]),
    ),
  ].join('\n\n')
