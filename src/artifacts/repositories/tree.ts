// A directory of the tree of artifacts, whose bytes are in the blob store.
import type { BlobStore } from '../../platform/blobs.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Db } from '../../platform/database.ts'
import { joinArtifactPath, type ArtifactFile } from '../artifact.ts'
import { getFile, listDirectory, storeFile } from '../artifacts.ts'
import type { ArtifactTables } from '../tables.ts'
import type { ArtifactRepository, StoredFile } from './repository.ts'

export interface TreeDeps {
  readonly db: Db<ArtifactTables>
  readonly blobs: BlobStore
  readonly clock: Clock
}

export function openTree(deps: TreeDeps, root: string): ArtifactRepository {
  const at = (path: string): string => joinArtifactPath(root, path)
  return {
    list: (path, page) => listDirectory(deps.db, at(path), page),
    open: async (path) => storedFile(deps.blobs, await getFile(deps.db, at(path))),
    async store(path, source) {
      await storeFile(deps, { path: at(path), source })
    },
  }
}

const storedFile = (blobs: BlobStore, { digest, ...file }: ArtifactFile): StoredFile => ({
  ...file,
  version: digest,
  stream: (part) => blobs.stream(digest, part),
})
