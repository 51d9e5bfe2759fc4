// trueloop data ingest: reads files, URLs or a query into a dataset, in a step of the control plane.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { DatasetVersion, parseDatasetName } from '../../data/dataset.ts'
import { Started } from '../../data/routes.ts'
import { renderValidation, ValidationResult } from '../../data/validation.ts'
import { evaluateLoopFile } from '../../loop/evaluate-file.ts'
import { waitForPipeline } from '../pipeline/wait.ts'
import { connect, type Session } from '../session.ts'
import { bytesText, countText, factLines, numberText } from '../text.ts'
import { ingestRequestOf, type IngestOptions } from './ingest-options.ts'

export interface IngestCommandOptions extends IngestOptions {
  /** The loop file whose dataset says what to expect. */
  readonly expectations?: string
}

/** What the step data.ingest tells. */
const Report = z.object({
  version: z.string(),
  created: z.boolean(),
  rows: DatasetVersion.shape.rows,
  readRows: z.int(),
  storedParts: z.int(),
  storedBytes: z.int(),
  validation: ValidationResult,
})
type Report = Readonly<z.infer<typeof Report>>

export async function ingestData(
  session: Session,
  [name, sources]: readonly [string, readonly string[]],
  options: IngestCommandOptions,
): Promise<void> {
  const dataset = parseDatasetName(name)
  const request = ingestRequestOf(sources, options)
  const expectations =
    options.expectations === undefined
      ? []
      : (await evaluateLoopFile({ path: options.expectations })).dataset.expectations
  const client = connect(session)
  const path = pathOf`/datasets/${dataset}/versions`
  const { pipelineRun } = await client.call({
    method: 'POST',
    path,
    body: { ...request, expectations },
    answer: Started,
  })
  const { output } = await waitForPipeline({ ...session, client }, { id: pipelineRun, step: 'ingest' })
  session.terminal.show({ pipelineRun, ...Report.parse(output) }, renderReport)
}

export function renderReport(report: Report): string {
  const { version, created, rows, readRows, storedParts, storedBytes, validation } = report
  const { quarantinedRows, results } = validation
  const facts = factLines([
    ['version', created ? version : `${version}, which holds the same rows already: no new one was made`],
    ['rows', numberText(rows)],
    ['read', numberText(readRows)],
    ['quarantined', quarantinedRows > 0 ? numberText(quarantinedRows) : undefined],
    [
      'stored',
      storedParts > 0
        ? `${countText(storedParts, 'part')}, ${bytesText(storedBytes)}`
        : 'nothing: every part was there',
    ],
  ])
  return results.length > 0 ? `${facts}\n\n${renderValidation(validation).trimEnd()}` : facts
}
