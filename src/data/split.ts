// Splits of a version into training, validation and test rows: a rule that is recorded, not a copy. The same rule on the same version always gives the same rows.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { namesHint } from '../platform/near-names.ts'
import type { Tables } from '../platform/tables.ts'
import { literal, quoteName } from '../platform/tables-sql.ts'
import { Digest, type Column, type Manifest } from './manifest.ts'
import { lowHalfSql, rowTextSql } from './parts/row-text.ts'
import { rowNumberSql, rowsDigest, rowSumsSql } from './parts/rows-digest.ts'

export const splitNames = ['train', 'validation', 'test'] as const

export const SplitName = z.enum(splitNames)
export type SplitName = z.infer<typeof SplitName>

const share = z.number().min(0).max(1)
/** Of the rows; they sum to 1. */
const Shares = z
  .strictObject({ train: share, validation: share, test: share })
  .default({ train: 0.7, validation: 0.15, test: 0.15 })
  .refine(({ train, validation, test }) => Math.abs(train + validation + test - 1) < 1e-9, 'the shares must sum to 1')

const seed = z.int().nonnegative().default(0)

export const SplitRule = z.discriminatedUnion('kind', [
  /** Earliest rows first; rows of one moment stay together, rows without a time are in none. */
  z.strictObject({ kind: z.literal('time'), shares: Shares }),
  /** By a hash of the seed and the row, so equal rows stay together. */
  z.strictObject({ kind: z.literal('random'), seed, shares: Shares }),
  /** By a hash of the seed and these columns: all rows of a customer, say, are in one split, in every version. */
  z.strictObject({ kind: z.literal('key'), columns: z.array(z.string()).min(1), seed, shares: Shares }),
])
export type SplitRule = z.infer<typeof SplitRule>
export type SplitRuleInput = z.input<typeof SplitRule>

const perSplit = <T extends z.ZodType>(value: T) => z.strictObject({ train: value, validation: value, test: value })

/** A rule as it came out on one version: all that is needed to select the rows again, and to see that they are the same. */
export const Split = z.strictObject({
  rule: SplitRule,
  /** Of the version (`manifestDigest`). */
  versionDigest: Digest,
  /** Of a split by time: first microsecond of validation and of test, as decimal text; null when nothing comes before. */
  boundariesUs: z.tuple([z.string(), z.string()]).nullable(),
  rows: perSplit(z.int()),
  /** Of the logical rows in each, whatever their order. */
  digests: perSplit(Digest),
})
export type Split = Readonly<z.infer<typeof Split>>

/** What a split is known by: the same rule on the same rows has the same. */
export const splitDigest = (split: Split): string =>
  createHash('sha256')
    .update(JSON.stringify(Split.parse(split)))
    .digest('hex')

/** `by time`, `random, seed 7`, `by customer, seed 0`, with the shares in percent. */
export function splitText({ rule }: Pick<Split, 'rule'>): string {
  const shares = splitNames.map((name) => Number((rule.shares[name] * 100).toPrecision(6))).join('/')
  switch (rule.kind) {
    case 'time':
      return `by time, ${shares}`
    case 'random':
      return `random, seed ${rule.seed}, ${shares}`
    case 'key':
      return `by ${rule.columns.join(', ')}, seed ${rule.seed}, ${shares}`
  }
}

/** Shares are kept to a millionth. */
const buckets = 1_000_000

/**
 * Counts and digests the rows of each split, and finds the boundaries of one by time.
 * @param view over the whole version.
 * @throws DomainError time_column_missing, column_not_found
 */
export async function makeSplit(
  tables: Tables,
  { view, manifest, versionDigest, rule }: { view: string; manifest: Manifest; versionDigest: string; rule: SplitRule },
): Promise<Split> {
  assertSplittable(manifest, rule)
  const boundariesUs = rule.kind === 'time' ? await timeBoundaries(tables, { view, manifest, rule }) : null
  const conditionOf = (name: SplitName): string => splitCondition({ rule, boundariesUs }, { manifest, name })
  const placed = splitNames.map((name) => `WHEN ${conditionOf(name)} THEN '${name}'`).join(' ')
  const found = await tables.rows(
    `SELECT "split:name", ${rowSumsSql('"split:row"')} FROM (SELECT CASE ${placed} END AS "split:name",
     ${rowNumberSql(manifest.columns)} AS "split:row" FROM ${quoteName(view)}) GROUP BY 1`,
  )
  const sums = new Map(found.map((row) => [row['split:name'], row]))
  const rows = (name: SplitName): number => Number(sums.get(name)?.['n'] ?? 0)
  const digest = (name: SplitName): string => rowsDigest(manifest.columns, sums.get(name))
  return {
    rule,
    versionDigest,
    boundariesUs,
    rows: { train: rows('train'), validation: rows('validation'), test: rows('test') },
    digests: { train: digest('train'), validation: digest('validation'), test: digest('test') },
  }
}

type Shape = Pick<Manifest, 'columns'> & { readonly timeColumn?: string | null | undefined }

/** @throws DomainError time_column_missing, column_not_found: such rows cannot be split by this rule */
export function assertSplittable(shape: Shape, rule: SplitRule): void {
  if (rule.kind === 'time') timeColumnOf(shape)
  if (rule.kind === 'key') keyColumns(shape, rule.columns)
}

/** The SQL condition that holds for the rows of one split; pass it to `readColumns` or `subset`. */
export function splitCondition(
  split: Pick<Split, 'rule' | 'boundariesUs'>,
  { manifest, name }: { manifest: Manifest; name: SplitName },
): string {
  const { rule } = split
  if (rule.kind === 'time') return timeSplitCondition(split.boundariesUs, { timeColumn: timeColumnOf(manifest), name })
  const columns = rule.kind === 'key' ? keyColumns(manifest, rule.columns) : manifest.columns
  const bucket = `(${lowHalfSql(`md5_number(${literal(`${rule.seed}|`)} || ${rowTextSql(columns)})`)} % ${buckets})`
  const first = Math.round(rule.shares.train * buckets)
  const second = Math.round((rule.shares.train + rule.shares.validation) * buckets)
  if (name === 'train') return `${bucket} < ${first}`
  return name === 'validation' ? `(${bucket} >= ${first} AND ${bucket} < ${second})` : `${bucket} >= ${second}`
}

function timeSplitCondition(
  boundariesUs: Split['boundariesUs'],
  { timeColumn, name }: { timeColumn: string; name: SplitName },
): string {
  if (!boundariesUs) return 'false'
  const time = `epoch_us(${quoteName(timeColumn)})`
  const [validation, test] = boundariesUs.map((text) => literal(BigInt(text)))
  if (name === 'train') return `${time} < ${validation!}`
  return name === 'validation' ? `(${time} >= ${validation!} AND ${time} < ${test!})` : `${time} >= ${test!}`
}

/** The moments at which the shares of the rows are reached. */
async function timeBoundaries(
  tables: Tables,
  { view, manifest, rule }: { view: string; manifest: Manifest; rule: SplitRule },
): Promise<Split['boundariesUs']> {
  const { train, validation } = rule.shares
  const time = `epoch_us(${quoteName(timeColumnOf(manifest))})`
  const at = (fraction: number): string =>
    // The whole share: nothing comes after the last moment.
    fraction > 1 - 1e-9 ? `max(${time}) + 1` : `quantile_disc(${time}, ${fraction})`
  const [row] = await tables.rows(
    `SELECT (${at(train)})::VARCHAR AS first, (${at(train + validation)})::VARCHAR AS second FROM ${quoteName(view)}`,
  )
  const { first, second } = row!
  return typeof first === 'string' && typeof second === 'string' ? [first, second] : null
}

function timeColumnOf({ timeColumn }: Shape): string {
  if (timeColumn !== undefined && timeColumn !== null) return timeColumn
  throw new DomainError(
    'invalid',
    'time_column_missing',
    'a split by time needs a dataset with a time column: name one when you ingest it, or split at random or by a key',
  )
}

function keyColumns(manifest: Shape, names: readonly string[]): Column[] {
  return names.map((name) => {
    const column = manifest.columns.find((candidate) => candidate.name === name)
    if (column) return column
    const known = manifest.columns.map((other) => other.name)
    const message = `the dataset has no column "${name}" to split by: ${namesHint(name, known)}`
    throw new DomainError('invalid', 'column_not_found', message)
  })
}
