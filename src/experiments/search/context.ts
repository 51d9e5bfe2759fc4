// What the parts of one run search share.
import type { RawBuilder } from 'kysely'
import type { Connection, DatabaseKind } from '../../platform/database.ts'
import type { Reader } from '../../platform/reader.ts'
import type { ExperimentTables } from '../tables.ts'
import type { RunCondition } from './filter.ts'
import type { SortKey } from './sort.ts'
import type { Absence, IdQuery, IndexRead } from './source.ts'

export interface SearchDeps {
  readonly db: Connection<ExperimentTables>
  readonly reader: Reader
}

/** What does not change while a page is looked for. */
export interface Search {
  readonly deps: SearchDeps
  readonly kind: DatabaseKind
  /** Experiments and deleted or not, on the table run. */
  readonly scope: RawBuilder<boolean>
  /** Narrows a walk of the table run to one experiment. */
  readonly experimentId: number | undefined
  readonly keys: readonly SortKey[]
  /** About how many runs there are. */
  readonly runs: number
  /** Of the indexes that were looked at. */
  readonly counts: Map<IndexRead | Absence, Counted>
}

/** What is known of an index, and its ids where they were read. */
export interface Counted {
  readonly count: number
  /** `count` is where the counting ended. */
  readonly isMany: boolean
  /** Of all runs. */
  readonly share: number
  readonly ids: IdQuery
  readonly covers: readonly RunCondition[]
}
