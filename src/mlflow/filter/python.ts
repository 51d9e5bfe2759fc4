// The little of Python's notation that filters and MLflow's error texts hold: tuples of texts, and values as `repr` shows them.

/** A text as Python shows it: in single quotes, unless it holds some and no double ones. */
export function reprOf(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replaceAll(/[\\\n\r\t'"]/gv, (found) => {
    if (found === "'" || found === '"') return found === quote ? `\\${found}` : found
    return { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }[found]!
  })
  return quote + escaped + quote
}

export const reprOfList = (texts: readonly string[]): string => `[${texts.map(reprOf).join(', ')}]`
export const reprOfTuple = (texts: readonly string[]): string => `(${texts.map(reprOf).join(', ')})`
/** Python shows a set in no order of its own. */
export const reprOfSet = (texts: readonly string[]): string => `{${texts.toSorted().map(reprOf).join(', ')}}`

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\u0007',
  '\n': '',
}

/** What a quoted text of a list holds: there, unlike in a plain comparison, escapes are read, and a doubled quote joins two texts. */
export function textOfLiteral(literal: string): string {
  const quote = literal[0]!
  const escape =
    /(?<joint>''|"")|\\(?:x(?<byte>[0-9a-f]{2})|u(?<unit>[0-9a-f]{4})|U(?<point>[0-9a-f]{8})|(?<sign>[\s\S]))/giv
  return literal.slice(1, -1).replaceAll(escape, (whole: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>
    if (groups['joint'] !== undefined) return whole[0] === quote ? '' : whole
    const code = groups['byte'] ?? groups['unit'] ?? groups['point']
    if (code !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10_ff_ff))
    return escapes[groups['sign']!] ?? whole
  })
}
