// One row of a request's columns as JSON text, without the columns that nobody may see. Pure.
import { missingMicros } from '../../../models/rows.ts'
import type { Signature } from '../../../models/signature.ts'
import { MatrixColumns, type RequestColumns } from '../../protocols/request-rows.ts'

/** A row, and what may be told of it. */
export interface RawInputs {
  readonly columns: RequestColumns
  readonly row: number
  readonly signature: Signature
  /** Names of columns whose values are left out. */
  readonly redact: readonly string[]
}

/** Exact: integers beyond 2^53 keep their digits, microseconds become ISO 8601. What JSON cannot say, such as NaN, is null. */
export function inputsText({ columns, row, signature, redact }: RawInputs): string {
  let text = ''
  const add = (name: string, value: unknown): void => {
    if (redact.includes(name)) return
    const told =
      typeof value === 'number' && Number.isFinite(value) ? String(value) : valueText(value, { name, signature })
    text += `${text === '' ? '' : ','}${nameText(name)}:${told}`
  }
  if (columns instanceof MatrixColumns) {
    const { names, values } = columns
    for (let place = 0; place < names.length; place++) add(names[place]!, values[row * names.length + place])
  } else for (const name in columns) add(name, columns[name]![row])
  return `{${text}}`
}

const nameTexts = new Map<string, string>()
/** A caller whose request is refused may have made up names: neither many of them nor long ones are remembered. */
const nameTextsMax = 10_000
const rememberedLengthMax = 200

function nameText(name: string): string {
  if (name.length > rememberedLengthMax) return JSON.stringify(name)
  let found = nameTexts.get(name)
  if (found === undefined) {
    if (nameTexts.size >= nameTextsMax) nameTexts.clear()
    nameTexts.set(name, (found = JSON.stringify(name)))
  }
  return found
}

/** A value as JSON. */
export function valueText(value: unknown, column: { readonly name: string; readonly signature: Signature }): string {
  if (typeof value !== 'bigint') return JSON.stringify(value) ?? 'null'
  const isTime = column.signature.inputs.some(({ name, type }) => name === column.name && type === 'datetime')
  return isTime ? timeText(value) : String(value)
}

const millisecondsMax = 8_640_000_000_000_000n

function timeText(micros: bigint): string {
  const rest = ((micros % 1000n) + 1000n) % 1000n
  const ms = (micros - rest) / 1000n
  if (micros === missingMicros || ms > millisecondsMax || ms < -millisecondsMax) return 'null'
  const text = new Date(Number(ms)).toISOString()
  return `"${rest === 0n ? text : text.replace('Z', `${String(rest).padStart(3, '0')}Z`)}"`
}
