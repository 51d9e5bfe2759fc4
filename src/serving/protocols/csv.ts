// CSV as pandas writes and reads it: a header, quoted fields, any end of line. Only the columns that are wanted are kept. Pure.
import { DomainError } from '../../platform/errors.ts'

export interface CsvTable {
  /** Texts by row of each wanted column that the header names; undefined where a row ends before it. */
  readonly columns: ReadonlyMap<string, readonly (string | undefined)[]>
  readonly rows: number
}

export interface CsvWanted {
  readonly isWanted: (column: string) => boolean
  /** More are refused before they are read. */
  readonly rowsMax: number
}

const headerFieldsMax = 10_000
const comma = 0x2c
const quote = 0x22
const lineFeed = 0x0a
const carriageReturn = 0x0d
const byteOrderMark = 0xfe_ff

const invalid = (problem: string): DomainError =>
  new DomainError('invalid', 'request_invalid', `Failed to parse input as a Pandas DataFrame: ${problem}`)

const tooMany = (rowsMax: number): DomainError =>
  new DomainError(
    'too_large',
    'rows_too_many',
    `a request may have ${rowsMax} rows, and this one has more: send several requests`,
  )

/**
 * Empty lines are left out. A row with fewer fields than the header has undefined in the rest.
 * @throws DomainError request_invalid, rows_too_many
 */
export function readCsv(text: string, { isWanted, rowsMax }: CsvWanted): CsvTable {
  const reader = createReader(text)
  const header = headerOf(reader)
  const columns = new Map<string, (string | undefined)[]>()
  const kept = header.map((name) => {
    if (!isWanted(name)) return undefined
    if (columns.has(name)) throw invalid(`the header names the column "${name.slice(0, 100)}" twice`)
    const values: (string | undefined)[] = []
    columns.set(name, values)
    return values
  })
  let rows = 0
  while (reader.nextLine()) {
    if (rows === rowsMax) throw tooMany(rowsMax)
    const width = readRow(reader, kept)
    if (width > header.length) {
      throw invalid(`line ${reader.line()} has ${width} fields, and the header ${header.length}`)
    }
    for (let at = width; at < kept.length; at++) kept[at]?.push(undefined)
    rows++
  }
  return { columns, rows }
}

function headerOf(reader: Reader): string[] {
  if (!reader.nextLine()) throw invalid('no columns to parse from the body: the first line names the columns')
  const header: string[] = []
  do {
    header.push(reader.field())
    if (header.length > headerFieldsMax) throw invalid(`the header has more than ${headerFieldsMax} fields`)
  } while (reader.isWithinLine())
  return header
}

/** How many fields the row has. */
function readRow(reader: Reader, kept: readonly ((string | undefined)[] | undefined)[]): number {
  let width = 0
  do {
    const field = reader.field()
    kept[width]?.push(field)
    width++
  } while (reader.isWithinLine())
  return width
}

interface Reader {
  /** Goes on to the next line that is not empty; false at the end. */
  nextLine(): boolean
  /** The next field; afterwards its comma or the end of its line is behind. */
  field(): string
  /** Whether the last field was followed by a comma. */
  isWithinLine(): boolean
  /** Of the last field, from 1. */
  line(): number
}

function createReader(text: string): Reader {
  let at = text.charCodeAt(0) === byteOrderMark ? 1 : 0
  let line = 1
  let fieldLine = 1
  let isWithinLine = false

  const passLineEnd = (): void => {
    if (text.charCodeAt(at) === carriageReturn && text.charCodeAt(at + 1) === lineFeed) at++
    at++
    line++
  }
  const isLineEnd = (code: number): boolean => code === lineFeed || code === carriageReturn
  /** From the opening quote to behind the closing one; two quotes are one. */
  const quoted = (): string => {
    const openedOn = line
    let value = ''
    for (;;) {
      const end = text.indexOf('"', at + 1)
      if (end < 0) throw invalid(`the quote that opens in line ${openedOn} is never closed`)
      const part = text.slice(at + 1, end)
      for (let feed = part.indexOf('\n'); feed >= 0; feed = part.indexOf('\n', feed + 1)) line++
      value += part
      at = end + 1
      if (text.charCodeAt(at) !== quote) return value
      value += '"'
    }
  }
  const unquoted = (): string => {
    const start = at
    while (at < text.length) {
      const code = text.charCodeAt(at)
      if (code === comma || isLineEnd(code)) break
      at++
    }
    return text.slice(start, at)
  }
  return {
    nextLine() {
      while (at < text.length && isLineEnd(text.charCodeAt(at))) passLineEnd()
      return at < text.length
    },
    field() {
      fieldLine = line
      // What stands behind a closing quote belongs to the field too.
      const value = text.charCodeAt(at) === quote ? quoted() + unquoted() : unquoted()
      isWithinLine = at < text.length && text.charCodeAt(at) === comma
      if (isWithinLine) at++
      else if (at < text.length) passLineEnd()
      return value
    },
    isWithinLine: () => isWithinLine,
    line: () => fieldLine,
  }
}
