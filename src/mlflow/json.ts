// JSON with integers of 64 bits: JavaScript's own loses what lies beyond 2^53, MLflow's clients do not.

/** Sixteen digits in a row may be more than a double holds; shorter numbers are exact. */
const mayBeLarge = /\d{16}/v

interface Source {
  readonly source?: string
}

/** Integers that a double does not hold become bigints. @throws SyntaxError */
export function parseJson(text: string): unknown {
  if (!mayBeLarge.test(text)) return JSON.parse(text)
  // The third argument is ES2025's; the library's types do not have it yet.
  const revive = ((_key: string, value: unknown, { source }: Source) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/v.test(source)
      ? BigInt(source)
      : value) as (key: string, value: unknown) => unknown
  return JSON.parse(text, revive)
}

const rawJson = (JSON as unknown as { rawJSON: (this: void, text: string) => unknown }).rawJSON

/** Bigints as the integers that they are. Numbers that JSON does not have are the caller's to spell. */
export function printJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // A replacer makes it many times slower, and bigints are rare.
    return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? rawJson(String(each)) : each))
  }
}
