// What a person writes after `trueloop data ingest`, as the request that it means. Pure, but for the current folder.
import { resolve } from 'node:path'
import type { IngestRequestInput } from '../../data/ingest-request.ts'
import { ColumnOverride, CsvOptions, SourceFormat, type SourceInput } from '../../data/source.ts'
import { argumentInvalid, namesOf } from '../arguments.ts'

export interface IngestOptions {
  /** Column; false: none; absent: as the dataset has it. */
  readonly timeColumn?: string | false
  /** Columns, separated by commas; as `timeColumn`. */
  readonly key?: string | false
  /** `column:type`, separated by commas. */
  readonly schema?: string
  readonly select?: string
  readonly timeZone?: string
  readonly format?: string
  readonly delimiter?: string
  readonly encoding?: string
  readonly query?: string
  readonly connection?: string
  readonly append?: boolean
}

/** @throws DomainError argument_invalid */
export function ingestRequestOf(sources: readonly string[], options: IngestOptions): IngestRequestInput {
  const { timeColumn, key, timeZone, select } = options
  return {
    source: sourceOf(sources, options),
    schema: {
      columns: columnsOf(options),
      ...(timeZone === undefined ? {} : { zone: timeZone }),
      ...(select === undefined ? {} : { select: namesOf(select, '--select') }),
    },
    ...(timeColumn === undefined ? {} : { timeColumn: timeColumn === false ? null : timeColumn }),
    ...(key === undefined ? {} : { keyColumns: key === false ? [] : namesOf(key, '--key') }),
    mode: options.append ? 'append' : 'replace',
  }
}

function sourceOf(sources: readonly string[], options: IngestOptions): SourceInput {
  const { connection, query } = options
  if (query !== undefined || connection !== undefined) {
    if (query === undefined || connection === undefined || sources.length > 0)
      throw argumentInvalid('a query stands alone: --query "select …" --connection <name>, and no files')
    return { kind: 'postgres', connection, query }
  }
  if (sources.length === 0)
    throw argumentInvalid('nothing to read: name files, globs or URLs, or --query with --connection')
  const urls = sources.filter((source) => /^https?:\/\//v.test(source))
  if (urls.length > 0 && urls.length < sources.length)
    throw argumentInvalid('files and URLs cannot be read at once: read one, then the other with --append')
  const reading = { ...formatOf(options), ...csvOf(options) }
  if (urls.length > 0) return { kind: 'http', urls, ...reading }
  return { kind: 'file', paths: sources.map((source) => resolve(source)), ...reading }
}

function formatOf({ format }: IngestOptions): { format?: SourceFormat } {
  return format === undefined ? {} : { format: oneOf(SourceFormat.options, format, '--format') }
}

function csvOf({ delimiter, encoding }: IngestOptions): { csv?: CsvOptions } {
  if (delimiter === undefined && encoding === undefined) return {}
  if (delimiter !== undefined && delimiter.length !== 1)
    throw argumentInvalid(`--delimiter "${delimiter}": it takes one character`)
  const encodings = CsvOptions.shape.encoding.unwrap().options
  return {
    csv: CsvOptions.parse({
      ...(delimiter === undefined ? {} : { delimiter }),
      ...(encoding === undefined ? {} : { encoding: oneOf(encodings, encoding, '--encoding') }),
    }),
  }
}

function columnsOf({ schema }: IngestOptions): Record<string, ColumnOverride> {
  if (schema === undefined) return {}
  const types = ColumnOverride.options.flatMap(({ options }) => options)
  return Object.fromEntries(
    namesOf(schema, '--schema').map((text) => {
      const colon = text.lastIndexOf(':')
      if (colon < 1) throw argumentInvalid(`--schema "${text}": write column:type, such as zip:string`)
      return [text.slice(0, colon), oneOf(types, text.slice(colon + 1).trim(), `--schema ${text.slice(0, colon)}:`)]
    }),
  )
}

function oneOf<T extends string>(known: readonly T[], text: string, flag: string): T {
  const found = known.find((each) => each === text)
  if (found !== undefined) return found
  throw argumentInvalid(`${flag} "${text}": it takes ${known.slice(0, -1).join(', ')} or ${known.at(-1)}`)
}
