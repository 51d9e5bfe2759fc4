// What MLflow allows as a key of a metric, param or tag, and how long texts may be, in its words: clients and their tests know them.
import { pythonJson } from '../wire/checks.ts'
import { invalidParameter } from '../wire/errors.ts'

export const keyLengthMax = 250
export const tagValueLengthMax = 8000

/** Python's `\w` is of any script; its `$` is before a last line break too. */
const allowed = /^[\/\p{L}\p{N}_.\- :]*\n?$/v

/** Most names: allowed, and no path that could be another's. */
const plain = /^[\w\- :][\w\- :.]*$/v

/**
 * @param path Where the name was given, such as `key` or `tags[3].key`.
 * @throws MlflowError INVALID_PARAMETER_VALUE
 */
export function assertEntryName(name: string, path: string): void {
  if (plain.test(name)) return
  if (!allowed.test(name)) {
    throw unfit(
      name,
      path,
      'Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).',
    )
  }
  const normal = normalPath(name)
  if (normal === name && name !== '.' && !name.startsWith('..') && !name.startsWith('/')) return
  throw unfit(
    name,
    path,
    `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normal.replaceAll('\n', String.raw`\n`)}'`,
  )
}

const unfit = (name: string, path: string, why: string): Error =>
  invalidParameter(`Invalid value ${pythonJson(name)} for parameter '${path}' supplied: ${why}`)

/** As POSIX resolves a path without looking at the disk: two slashes at its start are kept. */
function normalPath(path: string): string {
  if (path === '') return '.'
  const start = /^\/\/(?!\/)/v.test(path) ? '//' : path.startsWith('/') ? '/' : ''
  const kept: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop()
    else if (part !== '..' || start === '') kept.push(part)
  }
  return start + kept.join('/') || '.'
}

/** Length in characters, as Python counts them. */
const lengthOf = (text: string): number => Array.from(text).length

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertLength(text: string, { what, max }: { what: string; max: number }): void {
  // No text has more characters than units.
  if (text.length <= max || lengthOf(text) <= max) return
  throw invalidParameter(`'${what}' exceeds the maximum length of ${max} characters`)
}

/** The text, or its beginning where long ones are cut off. @throws MlflowError INVALID_PARAMETER_VALUE */
export function fitted(text: string, limit: { what: string; max: number; truncates: boolean }): string {
  const { max } = limit
  if (limit.truncates && text.length > max && lengthOf(text) > max) return Array.from(text).slice(0, max).join('')
  assertLength(text, limit)
  return text
}

/**
 * A tag that is fit to be stored; `path` is empty or ends with a point (`tags[3].`).
 * @throws MlflowError INVALID_PARAMETER_VALUE
 */
export function fittedTag(
  { key = '', value = '' }: { readonly key?: string | undefined; readonly value?: string | undefined },
  { path = '', truncates }: { path?: string; truncates: boolean },
): { key: string; value: string } {
  assertEntryName(key, `${path}key`)
  assertLength(key, { what: `${path}key`, max: keyLengthMax })
  return { key, value: fitted(value, { what: `${path}value`, max: tagValueLengthMax, truncates }) }
}
