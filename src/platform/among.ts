// Rows of many ids, as one parameter: a list of hundreds of them would be built and printed anew for each query, which takes longer than to run it.
import { sql, type RawBuilder } from 'kysely'
import { databaseKind, type Db } from './database.ts'

/** Whether the text column (`run.id`) is one of the values. None is among no values. */
export const isAmong = (db: Db<unknown>, column: string, values: readonly string[]): RawBuilder<boolean> =>
  databaseKind(db) === 'postgres'
    ? sql<boolean>`${sql.ref(column)} = any(${[...values]})`
    : sql<boolean>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`
