// Searching evaluation datasets.
import { sql, type RawBuilder } from 'kysely'
import { sqlOfCondition, type Condition } from '../platform/condition.ts'
import { databaseKind, on, type Db, type DatabaseKind } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import {
  compareNumber,
  compareText,
  numberOperators,
  textOperators,
  type NumberOperator,
  type TextOperator,
} from '../platform/sql-comparisons.ts'
import type { EvaluationDataset } from './evaluation-dataset.ts'
import { readDatasets } from './stores/evaluation-dataset-store.ts'
import type { LabellingTables } from './tables.ts'

const texts = { name: sql`d.name`, createdBy: sql`d.created_by`, updatedBy: sql`d.updated_by` } as const
const times = { createdAtMs: sql`d.created_at_ms`, updatedAtMs: sql`d.updated_at_ms` } as const

export type DatasetField = keyof typeof texts | keyof typeof times

export interface DatasetComparison {
  /** A tag's key, or a {@link DatasetField}. */
  readonly entity: 'tag' | 'attribute'
  readonly key: string
  readonly operator: NumberOperator | TextOperator
  readonly value: number | bigint | string | readonly string[]
}

export interface DatasetSearch {
  /** Those of any of these experiments; of all by default. */
  readonly experimentIds?: readonly number[] | undefined
  readonly condition?: Condition<DatasetComparison> | undefined
  /** The newest first by default. */
  readonly orderBy?: readonly { readonly field: DatasetField; readonly isAscending: boolean }[] | undefined
  readonly limit: number
  readonly offset: number
}

/** PostgreSQL has no empty list. */
const linkedTo = (experimentIds: readonly number[]): RawBuilder<unknown> =>
  experimentIds.length === 0
    ? sql`1 = 0`
    : sql`d.id in (select dataset_id from evaluation_dataset_experiment where experiment_id in (${sql.join([...experimentIds])}))`

/** @throws DomainError evaluation_dataset_filter */
export async function searchEvaluationDatasets(
  db: Db<LabellingTables>,
  search: DatasetSearch,
): Promise<{ datasets: EvaluationDataset[]; hasMore: boolean }> {
  const { experimentIds, condition, limit, offset } = search
  const kind = databaseKind(db)
  const linked = experimentIds ? linkedTo(experimentIds) : sql`1 = 1`
  const filter = condition ? sqlOfCondition(condition, (each) => comparisonOf(each, kind)) : sql`1 = 1`
  const orders = search.orderBy?.length ? search.orderBy : [{ field: 'createdAtMs', isAscending: false } as const]
  const order = orders.map(({ field, isAscending }) => {
    const column = { ...texts, ...times }[field]
    return isAscending ? sql`${column} asc` : sql`${column} desc`
  })
  const { rows } = await sql<{ id: string }>`select d.id from evaluation_dataset d where ${linked} and ${filter}
    order by ${sql.join(order)}, d.id desc limit ${limit + 1} offset ${offset}`.execute(on(db))
  const datasets = await readDatasets(
    db,
    rows.slice(0, limit).map(({ id }) => id),
  )
  return { datasets, hasMore: rows.length > limit }
}

function comparisonOf(comparison: DatasetComparison, kind: DatabaseKind): RawBuilder<boolean> {
  const { entity, key, operator, value } = comparison
  if (entity === 'attribute' && Object.hasOwn(times, key)) {
    const isNumber = typeof value === 'number' || typeof value === 'bigint'
    if (!isNumber || !isOneOf(numberOperators, operator)) throw unfit(comparison)
    return compareNumber(times[key as keyof typeof times], { operator, value })
  }
  if (typeof value === 'number' || typeof value === 'bigint' || !isOneOf(textOperators, operator))
    throw unfit(comparison)
  if (entity === 'tag') {
    const matches = compareText(kind, sql`t.value`, { operator, value })
    return sql`exists (select 1 from evaluation_dataset_tag t where t.dataset_id = d.id and t.key = ${key} and ${matches})`
  }
  if (!Object.hasOwn(texts, key)) throw unfit(comparison)
  return compareText(kind, texts[key as keyof typeof texts], { operator, value })
}

const isOneOf = <T extends string>(these: readonly T[], text: string): text is T =>
  (these as readonly string[]).includes(text)

const unfit = ({ key, operator }: DatasetComparison): DomainError => {
  const fields = [...Object.keys(texts), ...Object.keys(times)].join(', ')
  const message = `evaluation datasets are not searched by "${key}" ${operator} that value: compare ${fields} or a tag, texts by ${textOperators.join(', ')}, times by ${numberOperators.join(', ')}`
  return new DomainError('invalid', 'evaluation_dataset_filter', message)
}
