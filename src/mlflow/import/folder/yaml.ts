// The YAML files of a folder, as the program that wrote them means them: PyYAML's plain values, and no more of the language.
import { Lexer, parseDocument, type ScalarTag } from 'yaml'
import { z } from 'zod'
import { damage, readText } from './tree.ts'

/** A dataset's profile has up to 16 MiB, which quotes and folds make longer. */
const yamlBytesMax = 48 * 1024 * 1024
/** Each costs some hundred bytes: a file that is all brackets is refused before it takes the memory. */
const tokensMax = 200_000
/** How often anchors may be told again: enough for what PyYAML shares, none of the bombs. */
const aliasesMax = 100

/** What else it would write without quotes (octal, dates, sixties) is text here, for no field is one. */
const plainValues: readonly ScalarTag[] = [
  { tag: 'tag:yaml.org,2002:null', default: true, test: /^(?:~|null|Null|NULL|)$/v, resolve: () => null },
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    test: /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/v,
    resolve: (text) => /^(?:y|t|on)/iv.test(text),
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    test: /^[\-+]?(?:0|[1-9]\d{0,18})$/v,
    resolve: (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text)),
  },
  {
    tag: 'tag:yaml.org,2002:float',
    default: true,
    test: /^[\-+]?\d+\.\d*(?:[eE][\-+]\d+)?$/v,
    resolve: (text) => Number(text),
  },
  {
    tag: 'tag:yaml.org,2002:float',
    default: true,
    test: /^(?:[\-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/v,
    resolve: (text) => (/nan/iv.test(text) ? Number.NaN : text.startsWith('-') ? -Infinity : Infinity),
  },
]

const parsed = (path: string, text: string): unknown => {
  let tokens = 0
  for (const _ of new Lexer().lex(text))
    if (++tokens > tokensMax) throw damage(path, `has more than ${tokensMax} tokens`)
  try {
    const document = parseDocument(text, {
      schema: 'failsafe',
      customTags: (tags) => [...plainValues, ...tags],
      logLevel: 'error',
    })
    if (document.errors[0]) throw document.errors[0]
    return document.toJS({ maxAliasCount: aliasesMax })
  } catch (error) {
    // Of the library: what cannot be read, too many aliases, too deep.
    throw damage(path, `is no YAML that is read here: ${(error as Error).message.split('\n')[0]}`)
  }
}

/** @throws DomainError import_source, for what is no YAML or not of that shape */
export async function readYaml<T>(path: string, shape: z.ZodType<T>): Promise<T> {
  const result = shape.safeParse(parsed(path, await readText(path, yamlBytesMax)))
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw damage(path, `is not as MLflow writes it: ${issue?.path.join('.')} ${issue?.message}`)
}

/** Of 64 bits. */
export const integer = z.union([
  z.int(),
  z.bigint().refine((value) => BigInt.asIntN(64, value) === value, 'is larger than 64 bits'),
])
/** MLflow wrote ids as numbers once. */
export const id = z.union([z.string(), z.int(), z.bigint()]).transform(String)
/** Of names that become part of paths. */
export const pathId = z.string().regex(/^[a-zA-Z0-9][\w\-]{0,255}$/v, 'is no id')
/** What is not there is null. */
export const orNull = <T extends z.ZodType>(shape: T) => shape.nullish().transform((value) => value ?? null)
export const stage = z.enum(['active', 'deleted']).nullish()
