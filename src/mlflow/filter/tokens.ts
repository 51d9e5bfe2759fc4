// The words of a filter. Quotes and names are read as MLflow's clients know them: a doubled or escaped quote does not end a text, and stays in it.

export type TokenKind = 'name' | 'text' | 'number' | 'operator' | 'sign' | 'comment' | 'other'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly start: number
  readonly end: number
}

const word = String.raw`[\p{L}\p{N}_][\p{L}\p{N}_$#]*`
const doubleQuoted = String.raw`"(?:""|\\"|[^"])*"`
const singleQuoted = String.raw`'(?:''|\\'|[^'])*'`
const backQuoted = '`(?:``|[^`])*`'
/** As one kind of database writes names. */
const bracketed = String.raw`\[[^\[\]]+\]`
/** After a dot a part may be quoted in any way. */
const part = String.raw`(?:${word}|${backQuoted}|${doubleQuoted}|${singleQuoted}|${bracketed})`

const lexemes: readonly (readonly [TokenKind, RegExp])[] = [
  ['comment', /--.*/uy],
  ['number', new RegExp(String.raw`[+\-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+\-]?\d+)?(?![\p{L}\p{N}_.])`, 'uy')],
  [
    'name',
    new RegExp(
      String.raw`(?:${word}|${backQuoted}|${doubleQuoted}|(?<![\p{L}\p{N}_\])])${bracketed})(?:\.${part})*`,
      'uy',
    ),
  ],
  ['text', new RegExp(singleQuoted, 'uy')],
  ['operator', /[<>=~!]+/uy],
  ['sign', /[(),;]/uy],
]
const space = /\s*/uy

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  for (let at = endOf(space, source, 0); at < source.length; at = endOf(space, source, tokens.at(-1)!.end)) {
    tokens.push(tokenAt(source, at))
  }
  return tokens
}

function tokenAt(source: string, start: number): Token {
  for (const [kind, lexeme] of lexemes) {
    const end = endOf(lexeme, source, start)
    if (end > start) return { kind, text: source.slice(start, end), start, end }
  }
  return { kind: 'other', text: source[start]!, start, end: start + 1 }
}

/** Where a match that begins at `start` ends; `start` without one. */
function endOf(lexeme: RegExp, source: string, start: number): number {
  lexeme.lastIndex = start
  return lexeme.test(source) ? lexeme.lastIndex : start
}
