// From a source to a dataset version's manifest: read, check, set bad rows aside, order, cut into parts, store what is new.
import type { BlobStore } from '../platform/blobs.ts'
import { DomainError } from '../platform/errors.ts'
import { namesHint } from '../platform/near-names.ts'
import { quoteName } from '../platform/tables-sql.ts'
import { emptySuite, type Expectation, type ExpectationSuite } from './expectation.ts'
import { manifestDigest } from './manifest-digest.ts'
import type { Column, Manifest, Part } from './manifest.ts'
import { keepBefore } from './parts/append.ts'
import { isSorted, orderOf, writeParts } from './parts/write-parts.ts'
import { profileTable } from './profile-table.ts'
import type { Profile } from './profile.ts'
import { openVersion } from './select.ts'
import { openSource, type SourceDeps } from './source-table.ts'
import type { Schema, Source } from './source.ts'
import { failingCondition, validate } from './validate.ts'
import type { ValidationResult } from './validation.ts'

export interface IngestDeps extends SourceDeps {
  readonly blobs: BlobStore
  progress(fraction: number, text: string): void
}

export interface IngestInput {
  readonly source: Source
  readonly schema?: Schema
  /** Rows are ordered by it, parts know their range of it. */
  readonly timeColumn?: string
  /** What names a row; the order within one moment. */
  readonly keyColumns?: readonly string[]
  /** The version before, whose equal parts are not stored again. */
  readonly previous?: Manifest
  /** `replace`: the source is the whole dataset. `append`: its rows are added to those of `previous`. */
  readonly mode?: 'replace' | 'append'
  readonly expectations?: ExpectationSuite
  /** The time that freshness is measured from. */
  readonly nowMs: number
}

export interface IngestOutput {
  readonly manifest: Manifest
  readonly digest: string
  /** The rows that were set aside, with the column `quarantined_by` last; null when there were none. */
  readonly quarantine: Manifest | null
  /** Of all rows of the version (and, for quarantine, of those that came). `assertAccepted` turns a critical failure into an error. */
  readonly validation: ValidationResult
  readonly profile: Profile
  /** Rows that the source gave, and what was not stored before. */
  readonly readRows: number
  readonly storedParts: number
  readonly storedBytes: number
}

const reasonColumn = 'quarantined_by'

/**
 * Deterministic: the same rows give the same manifest, whatever files and order they come in (without time and key columns, their order counts).
 * @throws DomainError of the source (see sources/), column_not_found, time_column_type, columns_differ, regex_invalid
 */
export async function ingest(deps: IngestDeps, input: IngestInput): Promise<IngestOutput> {
  const { tables } = deps
  deps.progress(0, 'reading the source')
  const columns = await openSource(deps, { source: input.source, schema: input.schema, table: 'staged' })
  const shape = { columns, timeColumn: input.timeColumn, keyColumns: [...(input.keyColumns ?? [])] }
  assertShape(shape, input)
  deps.progress(0.4, 'checking rows')
  const suite = input.expectations ?? emptySuite
  const { quarantine, results, readRows } = await setAside(deps, input, { columns, suite })
  deps.progress(0.5, 'ordering rows')
  const kept = await order(deps, input, shape)
  const known = [...(input.previous?.parts ?? [])]
  const stepProgress = (fraction: number, text: string): void => deps.progress(0.6 + fraction * 0.2, text)
  const written = await writeParts({ ...deps, progress: stepProgress }, { ...shape, table: 'rows', known })
  const manifest = manifestOf(shape, [...kept, ...written.parts])
  deps.progress(0.8, 'profile and expectations')
  await openVersion({ tables, blobs: deps.blobs }, { manifest, view: 'version' })
  const table = kept.length === 0 ? 'rows' : 'version'
  const profile = await profileTable(tables, { table, columns })
  const files = suite.expectations.some(({ type }) => type === 'custom_sql')
    ? await localFiles(deps.blobs, manifest)
    : []
  const others = await validate(tables, {
    table,
    columns,
    suite: { ...suite, expectations: suite.expectations.filter((e) => !isQuarantine(e)) },
    nowMs: input.nowMs,
    files,
  })
  deps.progress(1, `${manifest.rows} rows`)
  return {
    manifest,
    digest: manifestDigest(manifest),
    quarantine,
    validation: merge(suite, {
      quarantine: results,
      others,
      rows: manifest.rows,
      quarantinedRows: quarantine?.rows ?? 0,
    }),
    profile,
    readRows,
    storedParts: written.storedParts,
    storedBytes: written.storedBytes,
  }
}

const isQuarantine = (expectation: Expectation): boolean => expectation.severity === 'quarantine'

interface Shape {
  readonly columns: Column[]
  readonly timeColumn: string | undefined
  readonly keyColumns: string[]
}

function assertShape({ columns, timeColumn, keyColumns }: Shape, { previous, mode }: IngestInput): void {
  for (const name of [...(timeColumn === undefined ? [] : [timeColumn]), ...keyColumns]) {
    if (columns.some((column) => column.name === name)) continue
    throw new DomainError(
      'invalid',
      'column_not_found',
      `the source has no column "${name}": ${namesHint(
        name,
        columns.map((column) => column.name),
      )}`,
    )
  }
  const time = columns.find(({ name }) => name === timeColumn)
  if (time && time.type !== 'timestamp' && time.type !== 'date') {
    throw new DomainError(
      'invalid',
      'time_column_type',
      `the time column "${time.name}" is ${time.type}: name a timestamp, or set its type to timestamp`,
    )
  }
  if (mode !== 'append' || !previous) return
  const text = (value: {
    columns: readonly Column[]
    timeColumn?: string | undefined
    keyColumns: readonly string[]
  }): string =>
    `${value.columns.map((column) => `${column.name} ${column.type}`).join(', ')}; time ${value.timeColumn ?? 'none'}; key ${value.keyColumns.join(', ') || 'none'}`
  const [now, before] = [text({ columns, timeColumn, keyColumns }), text(previous)]
  if (now !== before)
    throw new DomainError(
      'invalid',
      'columns_differ',
      `rows can be appended only with the same columns: the source has ${now}, the dataset ${before}; read it with these, or replace the dataset`,
    )
}

/** Tests the expectations that quarantine on what came, and leaves the good rows in `accepted`. */
async function setAside(
  deps: IngestDeps,
  input: IngestInput,
  { columns, suite }: { columns: readonly Column[]; suite: ExpectationSuite },
): Promise<{ quarantine: Manifest | null; results: ValidationResult; readRows: number }> {
  const { tables } = deps
  const expectations = suite.expectations.filter(isQuarantine)
  const check = { table: 'staged', columns, nowMs: input.nowMs }
  const results = await validate(tables, { ...check, suite: { ...suite, expectations }, files: [] })
  const failed = expectations.filter((_, index) => (results.results[index]!.counts?.unexpected ?? 0) > 0)
  const condition = failingCondition(failed, check)
  if (condition === undefined) {
    await tables.run('ALTER TABLE staged RENAME TO accepted')
    return { quarantine: null, results, readRows: results.rows }
  }
  const reasons = failed.map((expectation) => {
    const text = results.results[expectations.indexOf(expectation)]!.text.replaceAll("'", "''")
    return `CASE WHEN ${failingCondition([expectation], check)!} THEN '${text}' END`
  })
  await tables.run(
    `CREATE TABLE set_aside AS SELECT *, concat_ws('; ', ${reasons.join(', ')}) AS ${reasonColumn} FROM staged AS checked WHERE ${condition}`,
  )
  await tables.run(`CREATE TABLE accepted AS SELECT * FROM staged AS checked WHERE NOT (${condition})`)
  await tables.run('DROP TABLE staged')
  const shape = {
    columns: [...columns, { name: reasonColumn, type: 'string' as const }],
    timeColumn: undefined,
    keyColumns: [],
  }
  const { parts } = await writeParts(deps, { ...shape, table: 'set_aside', known: [] })
  await tables.run('DROP TABLE set_aside')
  return { quarantine: manifestOf(shape, parts), results, readRows: results.rows }
}

/** Makes `rows`: the accepted rows, with those of the previous parts that they mix with, in order. Answers the parts that stay as they are. */
async function order(deps: IngestDeps, { previous, mode }: IngestInput, shape: Shape): Promise<readonly Part[]> {
  const { tables } = deps
  const append =
    mode === 'append' && previous ? await keepBefore(tables, { previous, table: 'accepted' }) : { kept: [], mixed: [] }
  const list = shape.columns.map(({ name }) => quoteName(name)).join(', ')
  let from = 'SELECT * FROM accepted'
  if (append.mixed.length > 0) {
    await openVersion(deps, { manifest: manifestOf(shape, append.mixed), view: 'mixed' })
    from = `SELECT ${list} FROM mixed UNION ALL ${from}`
  }
  if (isSorted(shape)) await tables.run(`CREATE TABLE rows AS SELECT ${list} FROM (${from}) ORDER BY ${orderOf(shape)}`)
  else if (append.mixed.length > 0) await tables.run(`CREATE TABLE rows AS ${from}`)
  else await tables.run('ALTER TABLE accepted RENAME TO rows')
  await tables.run('DROP TABLE IF EXISTS accepted')
  return append.kept
}

function manifestOf({ columns, timeColumn, keyColumns }: Shape, parts: readonly Part[]): Manifest {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0)
  return {
    columns: [...columns],
    ...(timeColumn === undefined ? {} : { timeColumn }),
    keyColumns,
    parts: [...parts],
    rows,
  }
}

const localFiles = (blobs: BlobStore, { parts }: Manifest): Promise<string[]> =>
  Promise.all(parts.map(({ blob }) => blobs.localPath(blob)))

/** Both results in the order of the suite. */
function merge(
  suite: ExpectationSuite,
  parts: { quarantine: ValidationResult; others: ValidationResult; rows: number; quarantinedRows: number },
): ValidationResult {
  const [aside, others] = [[...parts.quarantine.results], [...parts.others.results]]
  const results = suite.expectations.map((expectation, index) => ({
    ...(isQuarantine(expectation) ? aside : others).shift()!,
    index,
  }))
  return {
    suite: suite.name,
    success: parts.others.success,
    rows: parts.rows + parts.quarantinedRows,
    quarantinedRows: parts.quarantinedRows,
    results,
  }
}
