// Triton's model repository extension: the index, and what a load or an unload may ask for. Pure.
import { DomainError } from '../../platform/errors.ts'
import { isJsonObject, parseJsonBody } from './json-body.ts'
import { shortVersion } from './open-inference.ts'

export interface IndexEntry {
  readonly name: string
  readonly version: string
  readonly state: 'READY' | 'UNAVAILABLE'
  /** Why it is unavailable; else empty. */
  readonly reason: string
}

/** A version behind an endpoint, as far as the index tells of it. */
export interface IndexedVersion {
  readonly endpoint: string
  /** `model/version`; undefined: the endpoint has none. */
  readonly version: string | undefined
  /** Why it does not answer; undefined: it does. */
  readonly problem: string | undefined
}

export const indexEntry = ({ endpoint, version, problem }: IndexedVersion): IndexEntry => ({
  name: endpoint,
  version: version === undefined ? '' : shortVersion(version),
  state: problem === undefined ? 'READY' : 'UNAVAILABLE',
  reason: problem ?? '',
})

const invalid = (message: string): DomainError => new DomainError('invalid', 'request_invalid', message)

function objectOf(body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {}
  const parsed = parseJsonBody(body)
  if (isJsonObject(parsed)) return parsed
  throw invalid('the body must be an object, or empty')
}

/** Whether only ready versions are asked for. The body may be empty. @throws DomainError request_invalid, json_invalid */
export function readIndexRequest(body: Buffer): boolean {
  const { ready } = objectOf(body)
  if (ready === undefined || typeof ready === 'boolean') return ready ?? false
  throw invalid('"ready" must be true or false')
}

/**
 * The body may be empty. Versions come from the registry: a configuration or files of the caller are none.
 * @throws DomainError request_invalid, json_invalid, extension_unsupported
 */
export function readRepositoryChange(body: Buffer): void {
  const { parameters } = objectOf(body)
  if (parameters === undefined || parameters === null) return
  if (!isJsonObject(parameters)) throw invalid('"parameters" must be an object')
  assertNoFiles(Object.keys(parameters))
}

/** @throws DomainError extension_unsupported */
export function assertNoFiles(names: readonly string[]): void {
  const own = names.find((name) => name === 'config' || name.startsWith('file:'))
  if (own === undefined) return
  const message = `failed to load: this gateway takes no "${own.slice(0, 100)}"; register the version and deploy it to the endpoint`
  throw new DomainError('invalid', 'extension_unsupported', message)
}
