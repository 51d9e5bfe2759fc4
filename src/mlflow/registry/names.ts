// Names, numbers and tags of the registry's requests, checked in MLflow's words.
import { aliasNameMax } from '../../models/alias.ts'
import {
  ModelName,
  modelNameMax,
  promptTextTag,
  tagKeyCharactersMax,
  tagValueCharactersMax,
} from '../../models/model.ts'
import { VersionStage, versionNotFound, type VersionId } from '../../models/model-version.ts'
import { pythonJson } from '../wire/checks.ts'
import { invalidParameter } from '../wire/errors.ts'
import { assertEntryName, assertLength } from '../tracking/names.ts'

/** @param path the field that holds the name. @throws MlflowError INVALID_PARAMETER_VALUE */
export function readModelName(name: string = '', path = 'name'): string {
  if (name.trim() === '') throw invalidParameter(`Missing value for required parameter '${path}'.`)
  if (/[\/:]/v.test(name)) throw invalidParameter(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`)
  if (name === '.' || name.startsWith('..')) {
    throw unfit(
      name,
      `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${name}'`,
    )
  }
  assertLength(name, { what: 'name', max: modelNameMax })
  if (!ModelName.safeParse(name).success) throw unfit(name, 'Names cannot contain control characters.')
  return name
}

const unfit = (name: string, why: string): Error =>
  invalidParameter(`Invalid value ${pythonJson(name)} for parameter 'name' supplied: ${why}`)

/** Both databases count versions so far. */
const versionMax = 2_147_483_647

/** As Python reads a number. @throws MlflowError INVALID_PARAMETER_VALUE; DomainError model_version_not_found for a number that none has */
export function readVersionId(name: string | undefined, version: string = ''): VersionId {
  const model = readModelName(name)
  if (!/^\s*[+\-]?\d+(?:_\d+)*\s*$/v.test(version)) {
    throw invalidParameter(`Parameter 'version' must be an integer, got '${version}'.`)
  }
  const number = Number(version.replaceAll('_', ''))
  if (number < 1 || number > versionMax) throw versionNotFound({ model, version: number })
  return { model, version: number }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function readAlias(alias: string = ''): string {
  if (alias === '') throw invalidParameter('Registered model alias name cannot be empty.')
  if (!/^[\p{L}\p{N}_\-]+$/v.test(alias)) {
    throw invalidParameter(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    )
  }
  assertLength(alias, { what: 'Registered model alias name', max: aliasNameMax })
  return alias
}

/** One that may be set. @throws MlflowError INVALID_PARAMETER_VALUE */
export function readNewAlias(text: string | undefined): string {
  const alias = readAlias(text)
  if (alias.toLowerCase() === 'latest') throw invalidParameter("'latest' alias name (case insensitive) is reserved.")
  if (/^v\d+$/iv.test(alias)) throw invalidParameter(`Version alias name '${alias}' is reserved.`)
  return alias
}

interface WrittenTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function readTag({ key = '', value = '' }: WrittenTag): { key: string; value: string } {
  readTagKey(key)
  assertLength(key, { what: 'key', max: tagKeyCharactersMax })
  if (
    key === promptTextTag &&
    value.length > tagValueCharactersMax &&
    Array.from(value).length > tagValueCharactersMax
  ) {
    throw invalidParameter(`Prompt text exceeds max length of ${tagValueCharactersMax} characters.`)
  }
  assertLength(value, { what: 'value', max: tagValueCharactersMax })
  return { key, value }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function readTagKey(key: string = ''): string {
  assertEntryName(key, 'key')
  return key
}

/** Of a key that comes twice the last value. @throws MlflowError INVALID_PARAMETER_VALUE */
export const readTags = (tags: readonly WrittenTag[] = []): Record<string, string> =>
  Object.fromEntries(tags.map(readTag).map(({ key, value }) => [key, value]))

const stages = new Map(VersionStage.options.map((stage) => [stage.toLowerCase(), stage]))

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function readStage(text: string = ''): VersionStage {
  const stage = stages.get(text.toLowerCase())
  if (stage) return stage
  throw invalidParameter(
    `Invalid Model Version stage: ${text}. Value must be one of ${VersionStage.options.join(', ')}.`,
  )
}
