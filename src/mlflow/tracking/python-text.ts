// Numbers and texts as Python writes them: some of MLflow's messages have them so.

/** `repr` of a float: `1.0`, `1e-07`, `nan`. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  const [digits = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 16) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  }
  const text = power < 0 ? value.toFixed(Math.max(0, digits.replace(/^-?\d\.?/v, '').length - power)) : String(value)
  const signed = Object.is(value, -0) ? '-0' : text
  return signed.includes('.') ? signed : `${signed}.0`
}

const escapes: Readonly<Record<string, string | undefined>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** `repr` of a str. */
export function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const inner = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}\p{Zs}\\'"]/gv, (character) => {
    if (character === ' ') return character
    if (character === "'" || character === '"') return character === quote ? `\\${character}` : character
    return escapes[character] ?? escapedCode(character.codePointAt(0)!)
  })
  return `${quote}${inner}${quote}`
}

function escapedCode(code: number): string {
  const digits = code.toString(16)
  if (code < 0x100) return `\\x${digits.padStart(2, '0')}`
  return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`
}
