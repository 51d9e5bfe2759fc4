// Rows of a version, or of one part of a split of it, read where this home keeps them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openBlobs } from '../../app/blobs.ts'
import { pathOf, type Client } from '../../client/http-client.ts'
import { parseDatasetRef } from '../../data/dataset.ts'
import type { RowSelection } from '../../data/export.ts'
import { Manifest } from '../../data/manifest.ts'
import { splitCondition, SplitName } from '../../data/split.ts'
import { StoredSplit } from '../../data/split-store.ts'
import type { BlobStore } from '../../platform/blobs.ts'
import { openTables, type Tables } from '../../platform/tables.ts'
import { argumentInvalid } from '../arguments.ts'
import type { Session } from '../session.ts'
import { readVersion } from './show.ts'

/** Tables and the blob store for one piece of work in this process: it wants the home's settings, not only its address. */
export async function withTables<T>(
  { config }: Session,
  work: (deps: { readonly tables: Tables; readonly blobs: BlobStore }) => Promise<T>,
): Promise<T> {
  const tempDirectory = await mkdtemp(join(tmpdir(), 'trueloop-data-'))
  try {
    const { stepThreads: threads, stepMemoryBytes: memoryLimitBytes } = config
    await using tables = await openTables({ memoryLimitBytes, threads, tempDirectory })
    return await work({ tables, blobs: openBlobs(config) })
  } finally {
    await rm(tempDirectory, { recursive: true, force: true })
  }
}

export function readManifest(client: Client, reference: string): Promise<Manifest> {
  const { dataset } = parseDatasetRef(reference)
  const version = reference.slice(dataset.length + 1) || 'latest'
  return client.call({ path: pathOf`/datasets/${dataset}/versions/${version}/manifest`, answer: Manifest })
}

export interface PartOptions {
  /** Id of a split. */
  readonly split?: string
  readonly part?: string
}

/** @throws DomainError argument_invalid for a split of another version, or a part that is none */
export async function readSelection(
  client: Client,
  reference: string,
  { split: id, part }: PartOptions,
): Promise<RowSelection & { readonly version: string }> {
  if ((id === undefined) !== (part === undefined))
    throw argumentInvalid('a part is one of a split: --split <id> --part train, validation or test')
  const { dataset } = parseDatasetRef(reference)
  const split = id === undefined ? undefined : await readSplit(client, id)
  // Alone, a dataset's name means the version that was split.
  const asked = split && reference === split.dataset ? `${dataset}/${split.version}` : reference
  const { version, ...shown } = await readVersion(client, asked)
  const manifest = await readManifest(client, `${dataset}/${version}`)
  if (!split) return { manifest, version: `${dataset}/${version}` }
  if (split.versionDigest !== shown.digest)
    throw argumentInvalid(`${split.id} is a split of ${split.dataset}/${split.version}, not of ${dataset}/${version}`)
  const name = SplitName.safeParse(part)
  if (!name.success) throw argumentInvalid(`--part "${part}": it takes ${SplitName.options.join(', ')}`)
  const condition = splitCondition(split, { manifest, name: name.data })
  return { manifest, condition, version: `${dataset}/${version}` }
}

const readSplit = (client: Client, id: string): Promise<StoredSplit> =>
  client.call({ path: pathOf`/splits/${id}`, answer: StoredSplit })
