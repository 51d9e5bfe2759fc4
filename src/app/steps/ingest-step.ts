// The step kind data.ingest: a source read, checked, and stored as the parts of a dataset version.
import { z } from 'zod'
import { ExpectationSuite } from '../../data/expectation.ts'
import { ingest } from '../../data/ingest.ts'
import { storeManifest } from '../../data/manifest-blob.ts'
import { Digest } from '../../data/manifest.ts'
import { Profile } from '../../data/profile.ts'
import { Schema, Source } from '../../data/source.ts'
import { assertAccepted, ValidationResult } from '../../data/validation.ts'
import { openTables } from '../../platform/tables.ts'
import type { StepKind } from '../../pipelines/step.ts'
import { readManifest } from './rows.ts'

export const IngestStepInput = z.strictObject({
  dataset: z.string().min(1),
  source: Source,
  schema: Schema,
  timeColumn: z.string().optional(),
  keyColumns: z.array(z.string()),
  expectations: ExpectationSuite,
  /** Blob with the manifest of the version before; null: there is none. */
  previous: Digest.nullable(),
  /** Digest of that version's rows. */
  previousDigest: Digest.nullable(),
  mode: z.enum(['replace', 'append']),
  /** What freshness is measured from. */
  nowMs: z.int(),
})
export type IngestStepInput = z.infer<typeof IngestStepInput>

export const Ingested = z.strictObject({
  /** Blob with the manifest, and the digest of its rows. */
  manifest: Digest,
  digest: Digest,
  quarantine: Digest.nullable(),
  validation: ValidationResult,
  profile: Profile,
  readRows: z.int(),
  storedParts: z.int(),
  storedBytes: z.int(),
})
export type Ingested = Readonly<z.infer<typeof Ingested>>

/** Connections, addresses and folders that sources may use, from the settings. */
export interface IngestLimits {
  /** Loopback and private addresses that are allowed all the same. */
  readonly allowedAddresses: readonly string[]
  /** URLs of PostgreSQL servers by the name that sources use. */
  readonly connections: Readonly<Record<string, string>>
}

export const ingestStep = (limits: IngestLimits): StepKind<IngestStepInput, Ingested> => ({
  kind: 'data.ingest',
  version: 1,
  cacheable: false, // What the source holds is not in the input.
  input: IngestStepInput,
  output: Ingested,
  async execute(tools, { previous, previousDigest: _previous, dataset: _dataset, timeColumn, ...input }) {
    await using tables = await openTables({ ...tools, tempDirectory: tools.scratchDirectory })
    const output = await ingest(
      {
        ...tools,
        tables,
        connections: limits.connections,
        remote: { allow: limits.allowedAddresses },
      },
      {
        ...input,
        ...(timeColumn === undefined ? {} : { timeColumn }),
        ...(previous === null ? {} : { previous: await readManifest(tools.blobs, previous) }),
      },
    )
    assertAccepted(output.validation)
    const { manifest, quarantine, ...rest } = output
    return {
      ...rest,
      manifest: (await storeManifest(tools.blobs, manifest)).digest,
      quarantine: quarantine && (await storeManifest(tools.blobs, quarantine)).digest,
    }
  },
})
