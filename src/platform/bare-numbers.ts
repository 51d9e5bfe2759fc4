// NaN and infinities as Python writes them into JSON: bare words, which JSON does not have.

const quoteOrBareNumber = /"|-?\b(?:NaN|Infinity)\b/gv

/** The text with each bare NaN, Infinity and -Infinity as `write` says; what stands within strings stays. One pass, however long they are. */
export function replaceBareNumbers(text: string, write: (found: string) => string): string {
  let written = ''
  let from = 0
  quoteOrBareNumber.lastIndex = 0
  for (let found = quoteOrBareNumber.exec(text); found; found = quoteOrBareNumber.exec(text)) {
    const [token] = found
    if (token === '"') {
      quoteOrBareNumber.lastIndex = stringEnd(text, found.index)
      continue
    }
    written += text.slice(from, found.index) + write(token)
    from = found.index + token.length
  }
  return written + text.slice(from)
}

/** Behind the quote that ends the string which begins at `start`; the text's end when none does. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at + 1
  }
  return text.length
}
