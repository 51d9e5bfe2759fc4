// One kind of thing as both sides tell it, in the same columns.
import type { TableCopy } from '../../export/tables.ts'
import type { ImportDeps } from '../deps.ts'
import { placeOf } from '../files.ts'
import type { SourceRow } from '../source.ts'

export type Row = Readonly<Record<string, unknown>>

/** What came over under another name than it had. */
export interface Renamed {
  readonly deps: ImportDeps
  /** Ids of the home's experiments by those of the source, as texts. */
  readonly experiments: ReadonlyMap<string, number>
  /** Ids of the home's label schemas by those of the source. */
  readonly schemas: ReadonlyMap<string, string>
}

export interface Comparison {
  /** As the report names it. */
  readonly kind: string
  /** The column of both sides that names whose the row is. */
  readonly owner: string
  readonly columns: readonly string[]
  /** Tables of the source that the query reads: without one of them, which an older schema does not have, there are no rows. */
  readonly tables: readonly string[]
  /** SQL over the source; `:owners` stands for the list of ids. Names no column that an older schema may not have. */
  readonly theirs: string | ((source: ImportDeps['source']) => Promise<string>)
  /** There are few rows, and what is expected of each is asked of the source: read before that, since an open read is given up after a while. */
  readonly isReadWhole?: true
  /** What is here of a row of theirs, in the columns; undefined: it does not come. By default the row as it is. */
  readonly expected?: (row: SourceRow, renamed: Renamed) => Row | undefined | Promise<Row | undefined>
  /** Over the home, in the columns of the stock schema. */
  readonly ours: readonly Pick<TableCopy, 'query' | 'rows'>[]
}

/** Things with ids, and all that is theirs. */
export interface Owners {
  /** One of them, in words. */
  readonly noun: string
  readonly table: string
  readonly key: string
  readonly comparisons: readonly Comparison[]
}

type Given = Pick<Comparison, 'kind' | 'owner' | 'columns'> & Partial<Comparison> & { readonly table: string }

/** Of one table of the stock schema, whose rows in the home are what an export writes of them. */
export function tableComparison({ table, ...given }: Given, copies: readonly TableCopy[]): Comparison {
  return {
    tables: [table],
    theirs: `select * from ${table} where ${given.owner} in (:owners)`,
    ours: copies.filter((copy) => copy.table === table && !copy.isMade),
    ...given,
  }
}

export const experimentOf = (row: SourceRow, { experiments }: Renamed): number =>
  experiments.get(String(row['experiment_id'])) ?? 0

export const uriHere = (uri: SourceRow[string] | undefined, own: string, { deps }: Renamed): string =>
  placeOf(String(uri ?? ''), { artifacts: deps.artifacts, own }).uri

export const stageOf = (row: SourceRow): string => (row['lifecycle_stage'] === 'deleted' ? 'deleted' : 'active')
