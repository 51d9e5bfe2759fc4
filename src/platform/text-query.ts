// A query as a finished text: for the few that are asked so often that to build and print them each time takes longer than to run them.
import { CompiledQuery } from 'kysely'
import { databaseKind, type Db } from './database.ts'

const numbered = new Map<string, string>()
const numberedMax = 256

/** @param text SQL that is never from outside, with `?` for each parameter and for nothing else */
export function textQuery<R>(db: Db<unknown>, text: string, parameters: readonly unknown[]): CompiledQuery<R> {
  return CompiledQuery.raw(databaseKind(db) === 'postgres' ? withNumbers(text) : text, [...parameters])
}

/** `$1` for the first `?`, and so on: PostgreSQL's way. */
function withNumbers(text: string): string {
  const known = numbered.get(text)
  if (known !== undefined) return known
  let count = 0
  const made = text.replaceAll('?', () => `$${++count}`)
  if (numbered.size < numberedMax) numbered.set(text, made)
  return made
}
