// Batch scoring: a file of rows through one model version into a file of predictions, in the same order, each row once, whatever is killed.
import { existsSync } from 'node:fs'
import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { copyOptions, exportFormatOf, type ExportFormat } from '../data/export.ts'
import type { Signature } from '../models/signature.ts'
import type { Clock } from '../platform/clock.ts'
import { DomainError } from '../platform/errors.ts'
import type { IdSource } from '../platform/ids.ts'
import { openTables } from '../platform/tables.ts'
import { literal, literalList } from '../platform/tables-sql.ts'
import type { ScoringManifest } from './batch-scoring-manifest.ts'
import { stageInput } from './scoring/input-table.ts'
import { keysOf, partFile, partsOf, type ScoringPlan } from './scoring/plan.ts'
import { scoreParts } from './scoring/scorer-pool.ts'
import { digestOfFile, openWorkspace, type Staged, type Workspace } from './scoring/workspace.ts'

export interface ScoringRequest {
  readonly input: string
  /** Ends in .parquet, .csv or .ndjson. */
  readonly output: string
  readonly endpoint: string
  readonly model: {
    readonly version: string
    readonly digest: string
    readonly signature: Signature
    readonly bytes: Uint8Array
  }
  /** Columns of the input to keep; undefined: all that the model does not take. */
  readonly keys: readonly string[] | undefined
}

export interface ScoringDeps {
  readonly clock: Clock
  readonly ids: IdSource
  readonly processes: number
  /** Of DuckDB's buffers here; each process needs some 500 MB besides its model. */
  readonly memoryLimitBytes: number
  readonly signal: AbortSignal
  /** `rows` of `total` are done, those of an earlier try among them. */
  readonly progress: (rows: number, total: number) => void
  /** Puts it on record. Called again for one id when a scoring was killed in between. */
  readonly record: (manifest: ScoringManifest) => Promise<void>
}

/**
 * Idempotent until the output is on record: a scoring that was killed goes on with the parts that it had finished.
 * @throws DomainError export_format, source_not_found and the like, scoring_running, file_exists, column_not_found, scoring_column_taken,
 *   scoring_process_ended, model_failed, and as models/rows.ts `appendColumns`, with the row in the input
 */
export async function scoreFile(deps: ScoringDeps, request: ScoringRequest): Promise<ScoringManifest> {
  const { input, output, model, keys: asked } = request
  const format = exportFormatOf(output)
  if (!(await stat(input).catch(() => undefined))?.isFile()) {
    const message = `there is no file "${input}": check the path`
    throw new DomainError('not_found', 'source_not_found', message, { path: input })
  }
  const inputDigest = await digestOfFile(input)
  const workspace = await openWorkspace(output, [
    inputDigest,
    model.digest,
    model.version,
    JSON.stringify(asked ?? null),
  ])
  try {
    return await scoreInto(workspace, { deps, request, inputDigest }, format)
  } catch (error) {
    // Nothing to go on from: with other columns or other rows it would be another scoring.
    if (error instanceof DomainError && error.kind === 'invalid') await workspace.remove()
    throw error
  }
}

async function scoreInto(
  workspace: Workspace,
  { deps, request, inputDigest }: { deps: ScoringDeps; request: ScoringRequest; inputDigest: string },
  format: ExportFormat,
): Promise<ScoringManifest> {
  const { input, output, model } = request
  const staged = (await workspace.staged()) ?? (await stage(deps, request, { workspace, inputDigest }))
  const keys = keysOf(staged.columns, model.signature, request.keys)
  await writeFile(workspace.model, model.bytes)
  const plan: ScoringPlan = {
    model: workspace.model,
    signature: model.signature,
    rows: workspace.rows,
    columns: [...staged.columns],
    keys,
    parts: workspace.parts,
    source: input,
  }
  await scoreMissing(deps, plan, staged)
  const rows = await merge(deps, { workspace, staged }, { output, format })
  const manifest: ScoringManifest = {
    id: staged.id,
    endpoint: request.endpoint,
    version: model.version,
    model: model.digest,
    rows,
    input: { path: input, digest: inputDigest },
    output: { path: output, digest: await digestOfFile(output) },
    keys,
    finishedAtMs: deps.clock(),
  }
  await writeFile(`${output}.manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`)
  await deps.record(manifest)
  await workspace.remove()
  return manifest
}

async function stage(
  { memoryLimitBytes, processes, signal, ids }: ScoringDeps,
  { input, model }: ScoringRequest,
  { workspace, inputDigest }: { workspace: Workspace; inputDigest: string },
): Promise<Staged> {
  const options = { memoryLimitBytes, threads: processes, scratch: workspace.scratch, signal }
  const table = await stageInput({ input, path: workspace.rows }, model.signature, options)
  const staged = { id: ids('scr'), inputDigest, ...table }
  await workspace.setStaged(staged)
  return staged
}

async function scoreMissing(deps: ScoringDeps, plan: ScoringPlan, { rows, columns }: Staged): Promise<void> {
  const parts = partsOf(rows, columns.length)
  const missing = parts.filter(({ part }) => !existsSync(join(plan.parts, partFile(part))))
  let done = rows - missing.reduce((sum, { from, to }) => sum + to - from, 0)
  deps.progress(done, rows)
  await scoreParts(plan, missing, {
    processes: deps.processes,
    signal: deps.signal,
    progress: (more) => deps.progress(Math.min(rows, (done += more)), rows),
  })
}

/** All parts in their order as one file. @throws Error when rows are missing, which would be a bug */
async function merge(
  { memoryLimitBytes, processes, signal }: ScoringDeps,
  { workspace, staged }: { workspace: Workspace; staged: Staged },
  { output, format }: { output: string; format: ExportFormat },
): Promise<number> {
  const parts = partsOf(staged.rows, staged.columns.length).map(({ part }) => join(workspace.parts, partFile(part)))
  const tempDirectory = workspace.scratch
  await using tables = await openTables({ memoryLimitBytes, threads: processes, tempDirectory, signal })
  const unfinished = join(workspace.directory, 'output')
  await rm(unfinished, { force: true })
  const rows = await tables.run(
    `COPY (SELECT * FROM read_parquet(${literalList(parts)})) TO ${literal(unfinished)} (${copyOptions[format]})`,
  )
  if (rows !== staged.rows) throw new Error(`the output has ${rows} rows, and the input ${staged.rows}`)
  await rename(unfinished, output)
  return rows
}
