// JSON as Python's json module spells it: attributes and previews hold such text, and clients compare it.

/** Spaces after colon and comma, text beyond ASCII as it is, floats that show that they are floats. `floats` spells every number as one. */
export function pythonJson(value: unknown, numbers: 'as they are' | 'floats' = 'as they are'): string {
  if (typeof value === 'number')
    return numbers === 'floats' || !Number.isInteger(value) ? pythonFloat(value) : `${value}`
  if (typeof value === 'bigint') return `${value}`
  if (value instanceof WholeFloat) return pythonFloat(value.value)
  if (Array.isArray(value)) return `[${value.map((each) => pythonJson(each, numbers)).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${pythonJson(each, numbers)}`)
    return `{${entries.join(', ')}}`
  }
  return JSON.stringify(value ?? null)
}

/** `1.0`, `1e-05`, `1e+16`, `NaN`: what `repr` of Python writes. */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  if (Object.is(value, -0)) return '-0.0'
  const [digits = '', exponentText = '0'] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const magnitude = String(Math.abs(exponent)).padStart(2, '0')
    return `${digits}e${exponent < 0 ? '-' : '+'}${magnitude}`
  }
  // JavaScript writes 0.00001 and smaller with an exponent only from 1e-7 on, and these were dealt with above.
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** A float that is whole: `1.0`, of which JSON.parse makes an integer. */
export class WholeFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** As Python reads it: 1.0 is a {@link WholeFloat}, an integer beyond 2^53 a bigint. @throws SyntaxError */
export function parsePythonJson(text: string): unknown {
  const revive = (_key: string, value: unknown, { source = '' }: { source?: string }): unknown => {
    if (typeof value !== 'number') return value
    if (/[.eE]/v.test(source)) return Number.isInteger(value) ? new WholeFloat(value) : value
    return Number.isSafeInteger(value) ? value : BigInt(source)
  }
  // The third argument is ES2025's; the library's types do not have it yet.
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
}

/** The value of a JSON text, or the text itself where it is none. */
export function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** As Python's `if value:` sees it. */
export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}
