// The step kinds of data, in the control plane: a version recorded, and which of its rows train and which judge.
import { z } from 'zod'
import type { Transaction } from '../../platform/database.ts'
import { getVersion, type DatasetTables } from '../../data/dataset-store.ts'
import { commitSplit } from '../../data/dataset-splits.ts'
import { commitVersion, type DataChangeTables } from '../../data/dataset-versions.ts'
import { parseDatasetRef } from '../../data/dataset.ts'
import { loadManifest } from '../../data/manifest-blob.ts'
import type { Split } from '../../data/split.ts'
import { ValidationResult } from '../../data/validation.ts'
import { recordValidation } from '../../data/validation-store.ts'
import {
  commitKind,
  processKind,
  type CompletedStep,
  type EngineKind,
  type FailedStep,
} from '../../pipelines/engine-kind.ts'
import type { BlobStore } from '../../platform/blobs.ts'
import { ingestStep, type Ingested, type IngestStepInput } from '../steps/ingest-step.ts'
import { RowsReference } from '../steps/rows.ts'
import { splitStep, type SplitStepInput } from '../steps/split-step.ts'

const Range = z.strictObject({ fromMs: z.int(), toMs: z.int() })

const SplitInput = z.strictObject({
  /** `dataset/version`. */
  dataset: z.string(),
  training: Range,
  holdout: Range,
})
const SplitOutput = z.strictObject({ training: RowsReference, holdout: RowsReference })

export function dataKinds({ blobs }: { blobs: BlobStore }): EngineKind<DataChangeTables>[] {
  return [
    processKind(
      ingestStep({ allowedAddresses: [], connections: {} }),
      (trx: Transaction<DataChangeTables>, done) => recordIngested(trx, blobs, done),
      recordRefused,
    ),
    processKind(splitStep, recordSplit),
    commitKind({ kind: 'data.split', version: 1, input: SplitInput, output: SplitOutput }, splitRows),
  ]
}

/** What later steps and the CLI see of an ingest: the version's name, and the step's own report. */
async function recordIngested(
  trx: Transaction<DataChangeTables>,
  blobs: BlobStore,
  { actor, input, output, pipelineRun }: CompletedStep<IngestStepInput, Ingested>,
): Promise<unknown> {
  const { quarantine, validation } = output
  const { version, created } = await commitVersion(trx, actor, {
    dataset: input.dataset,
    manifest: await loadManifest(blobs, output.manifest),
    manifestBlob: output.manifest,
    profile: output.profile,
    validation,
    quarantine: quarantine === null ? null : { blob: quarantine, rows: validation.quarantinedRows },
    ...(input.mode === 'append' ? { expectedDigest: input.previousDigest } : {}),
    producedBy: `pipeline_run:${pipelineRun.id}`,
  })
  const { profile: _, ...report } = output
  return { ...report, version: `${version.dataset}/${version.version}`, rows: version.rows, created }
}

/** Rows that failed a critical expectation became no version, but what was found is kept. */
async function recordRefused(
  trx: Transaction<DataChangeTables>,
  { actor, input, error }: FailedStep<IngestStepInput>,
): Promise<void> {
  if (error.code !== 'expectations_failed') return
  const result = ValidationResult.parse(error.detail?.['validation'])
  await recordValidation(trx, actor, { dataset: input.dataset, version: null, result })
}

/** What the CLI sees of a split: the record, whether it was made now or before. */
async function recordSplit(
  trx: Transaction<DataChangeTables>,
  { actor, input, output, pipelineRun }: CompletedStep<SplitStepInput, Split>,
): Promise<unknown> {
  const { dataset, version } = input
  const producedBy = `pipeline_run:${pipelineRun.id}` as const
  const { split, created } = await commitSplit(trx, actor, { dataset, version, split: output, producedBy })
  return { ...split, created }
}

/** Nothing is copied: rows are named by their event time. */
async function splitRows(
  trx: Transaction<DatasetTables>,
  { input }: CompletedStep<z.infer<typeof SplitInput>, undefined>,
): Promise<z.infer<typeof SplitOutput>> {
  const { manifestBlob, dataset, version } = await getVersion(trx, parseDatasetRef(input.dataset))
  const rows = (range: z.infer<typeof Range>): RowsReference => ({
    dataset: `${dataset}/${version}`,
    manifest: manifestBlob,
    ...range,
  })
  return { training: rows(input.training), holdout: rows(input.holdout) }
}
