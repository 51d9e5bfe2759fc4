// What the gateway keeps on its disk to serve while the control plane is down: the last configuration and the models' bytes by digest.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { Log } from '../../platform/log.ts'
import { messageOf } from '../../platform/errors.ts'
import { GatewayConfig } from '../gateway-config.ts'
import { download, type FindControlPlane } from './control-plane.ts'

export const CachedConfig = z.object({
  config: GatewayConfig,
  /** Versions that this gateway has taken out and whose quarantine the control plane has not confirmed. */
  quarantined: z.array(z.string()),
})
export type CachedConfig = z.infer<typeof CachedConfig>

/** Undefined when there is none, or none that can be read: the control plane has it. */
export async function readCachedConfig(path: string, log: Log): Promise<CachedConfig | undefined> {
  try {
    return CachedConfig.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn('the cached configuration cannot be read', { path, error: messageOf(error) })
    return undefined
  }
}

export async function writeCachedConfig(path: string, cached: CachedConfig): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(`${path}.part`, JSON.stringify(cached), { mode: 0o600 })
  await rename(`${path}.part`, path)
}

/** Of a model, or of what was prepared of it, which is named after it. */
const digestIn = (name: string): string => name.split('.', 1)[0]!

/** Models that no configuration names any more are kept, in case of a rollback, up to so many. */
const spareModelsMax = 16

export interface ModelCache {
  /** Sees to it that the bytes are there and right. @throws DomainError control_plane_unavailable, blob_not_found, blob_corrupt */
  ensure(digest: string): Promise<void>
  /** Removes the oldest of what is not wanted. */
  prune(wanted: ReadonlySet<string>): Promise<void>
}

export function createModelCache(directory: string, find: FindControlPlane): ModelCache {
  const verified = new Set<string>()
  return {
    async ensure(digest) {
      if (verified.has(digest)) return
      const path = join(directory, digest)
      await mkdir(directory, { recursive: true, mode: 0o700 })
      if ((await digestOfFile(path)) !== digest) await download(find, digest, path)
      verified.add(digest)
    },
    async prune(wanted) {
      const names = await readdir(directory).catch(() => [])
      const spare = [...new Set(names.map(digestIn))].filter((digest) => !wanted.has(digest))
      const aged = await Promise.all(
        spare.map(async (digest) => ({
          digest,
          atMs: await stat(join(directory, digest)).then(
            (found) => found.mtimeMs,
            () => 0,
          ),
        })),
      )
      for (const { digest } of aged.toSorted((a, b) => b.atMs - a.atMs).slice(spareModelsMax)) {
        verified.delete(digest)
        for (const name of names) if (digestIn(name) === digest) await rm(join(directory, name), { force: true })
      }
    },
  }
}

async function digestOfFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path), hash)
    return hash.digest('hex')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
