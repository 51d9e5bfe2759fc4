// The only file that reads or writes the table trace_link.
import { on, type Transaction } from '../../platform/database.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { LinkKind, TraceTables } from '../tables.ts'

/** Idempotent. */
export async function putLinks(
  trx: Transaction<TraceTables>,
  kind: LinkKind,
  links: readonly { readonly no: number; readonly target: string }[],
): Promise<void> {
  for (const chunk of chunksOf(links)) {
    await on(trx)
      .insertInto('trace_link')
      .values(chunk.map(({ no, target }) => ({ trace_no: no, kind, target })))
      .onConflict((c) => c.doNothing())
      .execute()
  }
}
