// A PostgreSQL query to a CSV file on disk, a batch at a time, in a read-only transaction.
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import type { Client } from 'pg'
import { DomainError, messageOf } from '../../platform/errors.ts'
import { diskFull } from '../../platform/tables.ts'
import type { Column, ColumnType } from '../manifest.ts'

const batchRows = 5_000
const connectTimeoutMs = 10_000

/** PostgreSQL's own numbers for its types; whatever is not here is read as text. */
const typeOfOid: Readonly<Record<number, ColumnType>> = {
  16: 'boolean',
  20: 'integer',
  21: 'integer',
  23: 'integer',
  26: 'integer',
  700: 'double',
  701: 'double',
  1700: 'double',
  1082: 'date',
  1114: 'timestamp',
  1184: 'timestamp',
}
const zonedOid = 1184

/** What was written: `zoned` columns hold instants in UTC, other time stamps are naive. */
export interface Spool {
  readonly columns: readonly Column[]
  readonly zoned: ReadonlySet<string>
}

/**
 * @param path of the new CSV file: a header, every value quoted, null unquoted and empty.
 * @throws DomainError source_unreachable, source_query_failed, disk_full
 */
export async function spoolQuery(
  connectionUrl: string,
  { query, path, signal }: { query: string; path: string; signal: AbortSignal },
): Promise<Spool> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    connectionString: connectionUrl,
    connectionTimeoutMillis: connectTimeoutMs,
    types: { getTypeParser: () => (text: string) => text },
  })
  client.on('error', () => undefined) // A connection that breaks fails the query that waits for it.
  const stop = (): void => void client.end()
  try {
    await client.connect()
  } catch (error) {
    throw new DomainError('unavailable', 'source_unreachable', `PostgreSQL does not answer: ${messageOf(error)}`)
  }
  signal.addEventListener('abort', stop)
  try {
    return await copyOut(client, { query, path })
  } catch (error) {
    if (signal.aborted) throw error
    if ((error as { code?: unknown }).code === 'ENOSPC') throw diskFull()
    throw new DomainError('invalid', 'source_query_failed', `PostgreSQL refused the query: ${messageOf(error)}`)
  } finally {
    signal.removeEventListener('abort', stop)
    await client.end()
  }
}

async function copyOut(client: Client, { query, path }: { query: string; path: string }): Promise<Spool> {
  await client.query("SET TIME ZONE 'UTC'")
  await client.query("SET datestyle = 'ISO'")
  await client.query('BEGIN READ ONLY')
  // A named statement goes by the extended protocol, which takes one statement only: nothing can follow the SELECT.
  await client.query({ text: `DECLARE trueloop_source NO SCROLL CURSOR FOR ${query}`, name: 'trueloop_source' })
  const out = createWriteStream(path, { flags: 'wx' })
  let spool: Spool | undefined
  try {
    for (;;) {
      const { rows, fields } = await client.query<(string | null)[]>({
        text: `FETCH ${batchRows} FROM trueloop_source`,
        rowMode: 'array',
      })
      if (!spool) {
        spool = spoolOf(fields)
        await write(out, line(spool.columns.map((column) => column.name)))
      }
      if (rows.length === 0) break
      await write(
        out,
        rows.map((row) => line(row.map((value, index) => clean(value, fields[index]!.dataTypeID)))).join(''),
      )
    }
  } finally {
    out.end()
    await once(out, 'close')
  }
  await client.query('COMMIT')
  return spool
}

function spoolOf(fields: readonly { name: string; dataTypeID: number }[]): Spool {
  return {
    columns: fields.map(({ name, dataTypeID }) => ({ name, type: typeOfOid[dataTypeID] ?? 'string' })),
    zoned: new Set(fields.filter(({ dataTypeID }) => dataTypeID === zonedOid).map(({ name }) => name)),
  }
}

/** `2001-01-01 00:00:00+00` is in UTC already: without the offset it reads as our other time stamps do. */
const clean = (value: string | null, oid: number): string | null =>
  oid === zonedOid && value ? value.replace(/\+00$/v, '') : value

const line = (values: readonly (string | null)[]): string =>
  `${values.map((value) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)).join(',')}\n`

async function write(out: WriteStream, text: string): Promise<void> {
  if (!out.write(text))
    await Promise.race([once(out, 'drain'), once(out, 'error').then(([error]) => Promise.reject(error as Error))])
}
