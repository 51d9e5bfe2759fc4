// The texts of OpenTelemetry's values: JSON, spelt as MLflow's clients spell it.
import { pythonFloat } from '../python-json.ts'

export const textOfString = (value: string): string => JSON.stringify(value)
export const textOfBoolean = (value: boolean): string => (value ? 'true' : 'false')
export const textOfInteger = (value: bigint | string): string => String(value)
export const textOfDouble = (value: number): string => pythonFloat(value)
export const textOfList = (values: readonly string[]): string => `[${values.join(', ')}]`
/** The last of the pairs with one key counts. */
export const textOfMap = (pairs: ReadonlyMap<string, string>): string =>
  `{${Array.from(pairs, ([key, value]) => `${JSON.stringify(key)}: ${value}`).join(', ')}}`

/** JSON has no bytes; MLflow keeps what Python's `repr` shows of them. */
export function textOfBytes(bytes: Uint8Array): string {
  let shown = ''
  for (const byte of bytes) shown += shownBytes.get(byte) ?? shownByte(byte)
  const quote = shown.includes("'") && !shown.includes('"') ? '"' : "'"
  return JSON.stringify(`b${quote}${quote === "'" ? shown.replaceAll("'", String.raw`\'`) : shown}${quote}`)
}

const shownBytes = new Map([
  [0x09, String.raw`\t`],
  [0x0a, String.raw`\n`],
  [0x0d, String.raw`\r`],
  [0x5c, String.raw`\\`],
])
const shownByte = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : String.raw`\x` + byte.toString(16).padStart(2, '0')

/**
 * A string that holds the JSON of a string, list or object already is such an attribute itself: instrumentations write JSON into strings,
 * since OpenTelemetry has no objects in attributes.
 */
export function attributeOfString(value: string): string {
  const first = value.trimStart()[0]
  if (first !== '"' && first !== '[' && first !== '{') return textOfString(value)
  try {
    JSON.parse(value)
    return value
  } catch {
    return textOfString(value)
  }
}
