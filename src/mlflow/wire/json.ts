// JSON with integers of 64 bits: JavaScript's own loses what lies beyond 2^53, MLflow's clients do not.
import { Readable } from 'node:stream'
import { replaceBareNumbers } from '../../platform/bare-numbers.ts'

/** An integer of sixteen digits may be more than a double holds; the digits of a fraction are not looked at. */
const mayBeLarge = /(?<![\d.])\d{16}/v

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

/** As `parseJson`; and as Python writes it: NaN and infinities bare (they become texts), a byte order mark first. @throws SyntaxError */
export function parseLenientJson(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    const lenient = replaceBareNumbers(text.replace(/^\uFEFF/v, ''), (found) => `"${found}"`)
    if (!(error instanceof SyntaxError) || lenient === text) throw error
    return parseJson(lenient)
  }
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

/** An answer that is printed piece by piece, since it may be longer than should be held; a method answers it in place of a message. */
export class JsonStream {
  readonly #pieces: AsyncGenerator<string>

  constructor(pieces: AsyncGenerator<string>) {
    this.#pieces = pieces
  }

  /** The first piece is there when this returns, so what fails at once is still answered as an error. */
  async begin(): Promise<Readable> {
    const pieces = this.#pieces
    const first = await pieces.next()
    async function* all(): AsyncGenerator<string> {
      if (!first.done) yield first.value
      yield* pieces
    }
    return Readable.from(all(), { objectMode: false })
  }
}
