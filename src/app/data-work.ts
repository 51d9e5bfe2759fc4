// Work on datasets that is too heavy for the control plane: each as a pipeline run of one step, in a process of its own.
import { findDataset, getVersion, type DatasetTables } from '../data/dataset-store.ts'
import type { DatasetVersion } from '../data/dataset.ts'
import type { ExpectationSuite } from '../data/expectation.ts'
import type { IngestRequest } from '../data/ingest-request.ts'
import type { DataWork } from '../data/routes.ts'
import type { PipelineEngine } from '../pipelines/engine.ts'
import type { Json, PipelineSpecInput } from '../pipelines/pipeline.ts'
import type { Connection, Db } from '../platform/database.ts'
import { splitText } from '../data/split.ts'
import type { IngestStepInput } from './steps/ingest-step.ts'
import type { SplitStepInput } from './steps/split-step.ts'
import type { Tables } from './tables.ts'

export function createDataWork({ db, engine }: { db: Connection<Tables>; engine: PipelineEngine }): DataWork {
  return {
    async startIngest(actor, { dataset, request }) {
      const expectations = { name: dataset, expectations: request.expectations }
      return engine.startRun(db, actor, {
        spec: {
          name: 'data.ingest',
          steps: [await ingestStepSpec({ db, nowMs: actor.clock() }, { ...request, dataset, expectations })],
        },
        reason: `${actor.name} asked to read rows into the dataset "${dataset}"`,
        labels: { dataset },
      })
    },
    async startSplit(actor, { version, rule }) {
      const { dataset, version: number, digest: versionDigest, manifestBlob: manifest } = version
      const input: SplitStepInput = { dataset, version: number, manifest, versionDigest, rule }
      return engine.startRun(db, actor, {
        spec: { name: 'data.split', steps: [{ name: 'split', kind: 'data.make_split', input }] },
        reason: `${actor.name} asked to split ${dataset}/${number} ${splitText({ rule })}`,
        labels: { dataset },
      })
    },
  }
}

export type IngestWork = Omit<IngestRequest, 'expectations'> & {
  readonly dataset: string
  readonly expectations: ExpectationSuite
}

/** The step that reads a source into a dataset as it stands now. */
export async function ingestStepSpec(
  { db, nowMs }: { db: Db<DatasetTables>; nowMs: number },
  { dataset, source, schema, timeColumn, keyColumns, mode, expectations }: IngestWork,
): Promise<PipelineSpecInput['steps'][number]> {
  const known = await findDataset(db, dataset)
  const head = known && (await getVersion(db, { dataset, ref: 'latest' }))
  const time = timeColumn === undefined ? head?.timeColumn : timeColumn
  const input: IngestStepInput = {
    dataset,
    source,
    schema: mode === 'append' && head ? { ...schema, columns: { ...typesOf(head), ...schema.columns } } : schema,
    ...(time === undefined || time === null ? {} : { timeColumn: time }),
    keyColumns: keyColumns ?? head?.keyColumns ?? [],
    expectations,
    previous: head?.manifestBlob ?? null,
    previousDigest: head?.digest ?? null,
    mode,
    nowMs,
  }
  // What is undefined is not in JSON.
  return { name: 'ingest', kind: 'data.ingest', input: JSON.parse(JSON.stringify(input)) as Json, retries: 1 }
}

/** Added rows are of the types that are there, whatever a few of them look like. */
const typesOf = ({ columns }: DatasetVersion): IngestStepInput['schema']['columns'] =>
  Object.fromEntries(columns.map(({ name, type }) => [name, type]))
