// The rehearsal of a rollback: the version that would take over is asked its examples in a disposable process, apart from what serves.
import { Examples } from '../models/examples.ts'
import { validateInfra } from '../models/infra-validation.ts'
import { getGraphVersion, type ModelVersionTables } from '../models/model-version-store.ts'
import { parseVersion } from '../models/model-version.ts'
import type { BlobStore } from '../platform/blobs.ts'
import type { Clock } from '../platform/clock.ts'
import type { Db } from '../platform/database.ts'
import { messageOf } from '../platform/errors.ts'
import type { Rehearsal, Rehearse } from '../rollouts/rehearsal.ts'

export interface RehearsalDeps {
  readonly db: Db<ModelVersionTables>
  readonly blobs: BlobStore
  readonly clock: Clock
}

const timeoutMs = 10_000
const noExamples: Examples = { rows: [], outputs: [] }

/** A version without examples is loaded and run on rows of missing values; what cannot be read or run is a rehearsal that failed. */
export const createRehearsal =
  ({ db, blobs, clock }: RehearsalDeps): Rehearse =>
  async (version) => {
    const told = (passed: boolean, examples: number, sentence: string): Rehearsal => ({
      version,
      atMs: clock(),
      passed,
      examples,
      sentence,
    })
    try {
      const { digest, signature, examplesDigest } = await getGraphVersion(db, parseVersion(version))
      const examples =
        examplesDigest === null
          ? noExamples
          : Examples.parse(JSON.parse(Buffer.from(await blobs.get(examplesDigest)).toString()))
      const path = await blobs.localPath(digest)
      const result = await validateInfra({ path, signature, examples, measureMs: 0 }, { timeoutMs })
      if (!result.passed) return told(false, 0, result.reason)
      const loaded = `${version} loads and runs; it has no examples to be asked`
      if (result.examples === 0) return told(true, 0, loaded)
      return told(true, result.examples, `${version} answers its ${result.examples} examples as it did`)
    } catch (error) {
      return told(false, 0, messageOf(error))
    }
  }
