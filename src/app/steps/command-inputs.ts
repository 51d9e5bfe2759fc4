// What a command that trains finds: a copy of the loop's code, its training rows as Parquet, and what the loop says.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Digest } from '../../data/manifest.ts'
import { openVersion, timeCondition } from '../../data/select.ts'
import { readSnapshot, restoreSnapshot } from '../../experiments/restore-snapshot.ts'
import { Target } from '../../loop/target.ts'
import type { Fold } from '../../models/baseline-builder.ts'
import { CommandLine, CommandVariables } from '../../pipelines/command.ts'
import type { StepTools } from '../../pipelines/step.ts'
import { openTables } from '../../platform/tables.ts'
import { literal, quoteName } from '../../platform/tables-sql.ts'
import { columnOf, kindOfType, readLabelled, readManifest, RowsReference, signatureTypeOf } from './rows.ts'

export const CommandTrainInput = z.strictObject({
  loop: z.string(),
  /** Blob with the manifest of the code. */
  code: Digest,
  argv: CommandLine,
  env: CommandVariables,
  rows: RowsReference,
  features: z.array(z.string()).min(1),
  target: Target,
  seed: z.int().nonnegative(),
  threads: z.int().positive(),
  /** How often it trains without a run of days, to be judged on them. */
  folds: z.int().min(0),
})
export type CommandTrainInput = z.infer<typeof CommandTrainInput>

/** But for what the project has under the names of the step's own directories: a sample to try the command on, say. */
export async function copyCode({ blobs }: StepTools, code: string, folder: string): Promise<void> {
  const { files, ...rest } = await readSnapshot(blobs, code)
  const kept = files.filter(({ path }) => !/^(?:inputs|outputs)(?:\/|$)/v.test(path))
  await restoreSnapshot({ manifest: { ...rest, files: kept }, folder, read: (digest) => blobs.get(digest) })
}

interface Destination {
  /** The command's `inputs`. */
  readonly directory: string
  /** Days whose rows are left out. */
  readonly without: Fold | undefined
}

export async function writeInputs(
  tools: StepTools,
  input: CommandTrainInput,
  { directory, without }: Destination,
): Promise<void> {
  const { features, loop, rows, seed, target } = input
  const manifest = await readManifest(tools.blobs, rows.manifest)
  const { classes } = await readLabelled(tools, { rows, features: [], target })
  const count = await writeRows(tools, input, { directory: join(directory, 'training'), without })
  const file = {
    loop,
    target,
    features,
    /** What the graph must take, in this order; of classifiers what it must tell apart, in this order. */
    inputs: features.map((name) => ({ name, type: signatureTypeOf[kindOfType[columnOf(manifest, name).type]] })),
    classes,
    timeColumn: manifest.timeColumn,
    window: { from: new Date(rows.fromMs).toISOString(), to: new Date(rows.toMs).toISOString() },
    rows: count,
    /** Null for the training whose graph is the candidate. */
    fold: without?.index ?? null,
    seed,
    threads: Math.min(input.threads, tools.threads),
  }
  await writeFile(join(directory, 'loop.json'), `${JSON.stringify(file, null, 2)}\n`)
}

/** All columns of the rows with a label: what a project makes of them is its own affair. Answers how many. */
async function writeRows(
  tools: StepTools,
  { rows, target }: CommandTrainInput,
  { directory, without }: Destination,
): Promise<number> {
  const manifest = await readManifest(tools.blobs, rows.manifest)
  await mkdir(directory)
  await using tables = await openTables({ ...tools, tempDirectory: tools.scratchDirectory })
  await openVersion({ tables, blobs: tools.blobs }, { manifest, view: 'training', time: rows })
  const path = literal(join(directory, 'part-00000.parquet')).slice(1, -1)
  const isLabelled = `${quoteName(columnOf(manifest, target.column).name)} IS NOT NULL`
  const isThere = without ? ` AND NOT (${timeCondition(manifest, without)})` : ''
  return await tables.run(`COPY (SELECT * FROM training WHERE ${isLabelled}${isThere}) TO ${path} (FORMAT parquet)`)
}
