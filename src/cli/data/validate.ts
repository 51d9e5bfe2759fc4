// trueloop data validate: checks a file against a loop's expectations, in this process and storing nothing.
import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ingest } from '../../data/ingest.ts'
import { renderValidation, type ValidationResult } from '../../data/validation.ts'
import { evaluateLoopFile } from '../../loop/evaluate-file.ts'
import type { LoopSpec } from '../../loop/spec.ts'
import { openDirectoryBlobs } from '../../platform/blobs-directory.ts'
import { systemClock } from '../../platform/clock.ts'
import { openTables } from '../../platform/tables.ts'
import type { Session } from '../session.ts'
import { exitCodes } from '../terminal.ts'

export interface ValidateOptions {
  /** The loop file. */
  readonly expectations: string
}

/** Exit code 1 when a critical expectation fails: such rows would not become a version. */
export async function validateData(session: Session, file: string, options: ValidateOptions): Promise<void> {
  const { config, terminal } = session
  const { dataset } = await evaluateLoopFile({ path: options.expectations })
  const progress = terminal.progress('checking')
  await using scratch = await scratchFolder()
  const { stepThreads: threads, stepMemoryBytes: memoryLimitBytes } = config
  const signal = new AbortController().signal
  await using tables = await openTables({ memoryLimitBytes, threads, tempDirectory: scratch.path('spill'), signal })
  const result = await check(
    { tables, scratch, signal, progress: (fraction, text) => progress.update(fraction, text) },
    dataset,
    file,
  )
  progress.done(`${result.rows.toLocaleString('en-US')} rows`)
  terminal.show(result, (value) => renderValidation(value).trimEnd())
  if (!result.success) process.exitCode = exitCodes.failure
}

interface CheckDeps {
  readonly tables: Awaited<ReturnType<typeof openTables>>
  readonly scratch: Scratch
  readonly signal: AbortSignal
  readonly progress: (fraction: number, text: string) => void
}

/** As the ingest step would, into a store that is thrown away. */
async function check(deps: CheckDeps, dataset: LoopSpec['dataset'], file: string): Promise<ValidationResult> {
  const { scratch, ...rest } = deps
  const csv = dataset.source.kind === 'postgres' ? undefined : dataset.source.csv
  const output = await ingest(
    { ...rest, blobs: openDirectoryBlobs(scratch.path('blobs')), scratchDirectory: scratch.path('source') },
    {
      source: {
        kind: 'file',
        paths: [resolve(file)],
        ...(csv && /\.(?:csv|tsv|txt)(?:\.gz)?$/iv.test(file) ? { csv } : {}),
      },
      schema: dataset.schema,
      timeColumn: dataset.timeColumn,
      keyColumns: dataset.keyColumns,
      expectations: { name: dataset.name, expectations: dataset.expectations },
      nowMs: systemClock(),
    },
  )
  return output.validation
}

interface Scratch extends AsyncDisposable {
  path(part: 'source' | 'blobs' | 'spill'): string
}

async function scratchFolder(): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-validate-'))
  for (const part of ['source', 'blobs', 'spill']) await mkdir(join(folder, part))
  return {
    path: (part) => join(folder, part),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
