// Bodies of one form: a program that asks over and over writes the same text around other values. What that text says is read once; of a
// body that has it at both ends only the list of values between is parsed.

/** As JSON says them. */
type Value = number | boolean | null

/** What was remembered with a form, and what stands in the place of its list now. */
export interface FormFound<T> {
  readonly meaning: T
  readonly values: readonly Value[]
}

export interface BodyForms<T> {
  /** Undefined: the body has no form that was remembered, or texts or lists in its list. */
  readonly find: (body: Buffer) => FormFound<T> | undefined
  /**
   * Remembers the form of a body that no form was found of. Where forms do not come again, most bodies are passed over.
   * @param meaning of all that is not in the list
   */
  readonly remember: (body: Buffer, list: readonly unknown[], meaning: T) => void
}

/** Where a body has its list. */
export interface ListPlace {
  /** The list is the value of a member of this name, or the only value of that. */
  readonly member: string
  /** Takes the list from the JSON of a body. */
  readonly listIn: (json: unknown) => unknown
}

interface Form<T> {
  readonly before: Uint8Array
  readonly after: Uint8Array
  readonly meaning: T
}

/** Callers cannot make the memory grow beyond so many forms of so many bytes each. */
const formsMax = 8
const formBytesMax = 4096
/** Of bodies of new forms, at least one in about so many is looked at. */
const passOverMax = 1024

export function createBodyForms<T>(place: ListPlace): BodyForms<T> {
  const memory = createMemory((form: Form<T>, body): FormFound<T> | undefined => {
    const values = valuesBetween(form, body)
    return values && { meaning: form.meaning, values }
  })
  return {
    find: (body) => memory.find(body, body.length),
    remember(body, list, meaning) {
      memory.add(() => {
        const ends = list.length > 0 && list.every(isValue) ? endsOf(body, place) : undefined
        return ends && { ...ends, meaning }
      })
    },
  }
}

/** Texts that come again as they are, with other bytes after them. */
export interface KnownTexts<T> {
  /** Of the first `length` bytes. */
  readonly find: (bytes: Buffer, length: number) => T | undefined
  /** Where texts do not come again, most are passed over. */
  readonly remember: (text: Buffer, meaning: T) => void
}

export function createKnownTexts<T>(): KnownTexts<T> {
  const memory = createMemory((known: { text: Uint8Array; meaning: T }, bytes, length) =>
    length === known.text.length && isAt(bytes, 0, known.text) ? known.meaning : undefined,
  )
  return {
    find: memory.find,
    remember(text, meaning) {
      memory.add(() => (text.length > formBytesMax ? undefined : { text: Uint8Array.from(text), meaning }))
    },
  }
}

interface FormMemory<F, Found> {
  readonly find: (body: Buffer, length: number) => Found | undefined
  /** `make` is called for some of them. */
  readonly add: (make: () => F | undefined) => void
}

/** The last few forms, the one that was found last looked at first. */
function createMemory<F, Found>(
  read: (form: F, body: Buffer, length: number) => Found | undefined,
): FormMemory<F, Found> {
  const forms: { readonly form: F; isFound: boolean }[] = []
  let last = 0
  let next = 0
  let passedOver = 0
  let passOver = 0
  const readAs = (at: number, body: Buffer, length: number): Found | undefined => {
    const known = forms[at]!
    const found = read(known.form, body, length)
    if (found === undefined) return undefined
    last = at
    if (!known.isFound) passOver = 0
    known.isFound = true
    return found
  }
  return {
    find(body, length) {
      if (forms.length === 0) return undefined
      let found = readAs(last, body, length)
      for (let at = 0; found === undefined && at < forms.length; at++) if (at !== last) found = readAs(at, body, length)
      return found
    },
    add(make) {
      if (passedOver++ < passOver) return
      passedOver = 0
      // The first time that a form is found again makes it 0.
      passOver = Math.min(passOverMax, 2 * passOver + 1)
      const form = make()
      if (form === undefined) return
      const useless = forms.findIndex(({ isFound }) => !isFound)
      const place = forms.length < formsMax ? forms.length : useless >= 0 ? useless : next++ % formsMax
      forms[place] = { form, isFound: false }
    },
  }
}

function isAt(body: Uint8Array, from: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (body[from + at] !== bytes[at]) return false
  return true
}

const isValue = (value: unknown): value is Value =>
  typeof value === 'number' || typeof value === 'boolean' || value === null

/** Undefined: another form, or other things than values. */
function valuesBetween({ before, after }: Form<unknown>, body: Buffer): Value[] | undefined {
  const end = body.length - after.length
  if (end < before.length || !isAt(body, 0, before) || !isAt(body, end, after)) return undefined
  // Brackets included. Values are ASCII, and what is not is none of them.
  const text = body.toString('latin1', before.length - 1, end + 1)
  // Nothing nests in a list of values; how deep it may, is known of whole bodies.
  if (text.includes('[', 1) || text.includes('{') || text.includes('"')) return undefined
  try {
    return JSON.parse(text) as Value[]
  } catch {
    // Whoever reads the whole body says what is wrong with it.
    return undefined
  }
}

/** What stands before and after the values of a list that has some; undefined where it is not certain. */
function endsOf(body: Buffer, { member, listIn }: ListPlace): Pick<Form<unknown>, 'before' | 'after'> | undefined {
  const close = body.indexOf(']', Math.max(0, body.lastIndexOf(`"${member}"`)))
  const open = body.lastIndexOf('[', close)
  if (close < 0 || open < 0 || open + 1 + body.length - close > formBytesMax) return undefined
  const [before, after] = [body.subarray(0, open + 1), body.subarray(close)]
  // The list has become empty: it is what stood between the two, and everything else is as it was.
  return isEmptied(listIn, Buffer.concat([before, after]))
    ? { before: Uint8Array.from(before), after: Uint8Array.from(after) }
    : undefined
}

function isEmptied(listIn: ListPlace['listIn'], body: Buffer): boolean {
  try {
    const list = listIn(JSON.parse(body.toString('utf8')))
    return Array.isArray(list) && list.length === 0
  } catch {
    // Cut in two where the text of a name has brackets.
    return false
  }
}
