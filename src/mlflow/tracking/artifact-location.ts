// Where an experiment may keep its artifacts: what MLflow's server refuses, in its words.
import { invalidParameter } from '../wire/errors.ts'

export interface LocationRules {
  /** The server's own default root: its host may be named. */
  readonly artifactRoot: string
  /** Relative paths are resolved against it. */
  readonly directory: string
  /** Schemes that name a host and are allowed nevertheless, in lower case (`MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES`). */
  readonly allowedSchemes: ReadonlySet<string>
  /** Characters of a location (`MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH`). */
  readonly lengthMax: number
}

/** Schemes by which the server would connect to the host that the client names. */
const defaultPorts: Readonly<Record<string, number | undefined>> = {
  ftp: 21,
  sftp: 22,
  hdfs: 0,
  viewfs: 0,
  http: 80,
  https: 443,
  'mlflow-artifacts': 443,
  r2: 443,
  b2: 443,
  abfss: 443,
}
const withParams = new Set([
  '',
  'ftp',
  'http',
  'https',
  'sftp',
  'mms',
  'rtsp',
  'rtspu',
  'sip',
  'sips',
  'tel',
  'hdl',
  'imap',
  'prospero',
])

interface Parts {
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: string
}

function partsOf(uri: string): Parts & { hasFragment: boolean } {
  const { scheme = '', rest = '' } = /^(?:(?<scheme>[a-z][a-z0-9+.\-]*):)?(?<rest>.*)$/isv.exec(uri)?.groups ?? {}
  const [beforeFragment = '', fragment = ''] = splitOnce(rest, '#')
  const [beforeQuery = '', query = ''] = splitOnce(beforeFragment, '?')
  const { host = '', path = '' } = /^(?:\/\/(?<host>[^\/]*))?(?<path>.*)$/sv.exec(beforeQuery)?.groups ?? {}
  return { scheme: scheme.toLowerCase(), host, path, query, hasFragment: fragment !== '' }
}

const splitOnce = (text: string, at: string): string[] => {
  const index = text.indexOf(at)
  return index === -1 ? [text] : [text.slice(0, index), text.slice(index + 1)]
}

/** The location as it is stored. @throws MlflowError INVALID_PARAMETER_VALUE */
export function readArtifactLocation(location: string, rules: LocationRules): string {
  const parts = partsOf(location)
  const hasParams = withParams.has(parts.scheme) && parts.path.slice(parts.path.lastIndexOf('/') + 1).includes(';')
  if (parts.hasFragment || hasParams) {
    throw invalidParameter("'artifact_location' URL can't include fragments or params.")
  }
  if (decoded(parts.query).includes('..')) throw invalidParameter('Invalid query string')
  assertHostAllowed(location, rules, 'artifact_location')
  if (location.startsWith('runs:')) {
    throw invalidParameter(`Artifact location cannot be a runs:/ URI. Given: '${location}'`)
  }
  const resolved = resolveLocal(location, parts, rules.directory)
  if (resolved.length <= rules.lengthMax) return resolved
  throw invalidParameter(
    `Invalid artifact path length. The length of the artifact path cannot be greater than ${rules.lengthMax} characters. To configure this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable.`,
  )
}

const decodingsMax = 10

function decoded(text: string): string {
  let before = text
  for (let pass = 0; pass < decodingsMax; pass++) {
    const after = before.replaceAll(/%(?<code>[0-9a-f]{2})/giv, (_all, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
    if (after === before) return after
    before = after
  }
  throw invalidParameter('Invalid query string')
}

/** The server connects to no host that a client names, unless it is its own. @throws MlflowError INVALID_PARAMETER_VALUE */
export function assertHostAllowed(
  uri: string,
  { artifactRoot, allowedSchemes }: Pick<LocationRules, 'artifactRoot' | 'allowedSchemes'>,
  field: string,
): void {
  const { scheme } = partsOf(uri)
  const target = targetOf(uri)
  if (target === undefined || allowedSchemes.has(scheme) || target === targetOf(artifactRoot)) return
  throw invalidParameter(
    `'${field}' cannot use the '${scheme}' scheme: the '${scheme}' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI. Set the MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES environment variable on the server to allow it.`,
  )
}

/** The host and port that the server would connect to; undefined where the URI names none. */
function targetOf(uri: string): string | undefined {
  const { scheme, host } = partsOf(uri)
  const port = defaultPorts[scheme]
  if (port === undefined || (scheme === 'mlflow-artifacts' && host === '')) return undefined
  const { name = '', given } = /^(?:[^@]*@)?(?<name>[^@:\\\s]*)(?::(?<given>\d+))?$/v.exec(host)?.groups ?? {}
  // What is no host and port is not the server's own, however much it looks like it.
  if (name === '' && host !== '') return `malformed ${host}`
  const family = scheme === 'viewfs' ? 'hdfs' : scheme === 'https' || scheme === 'mlflow-artifacts' ? 'http' : scheme
  return `${family} ${name.toLowerCase()} ${given ?? port}`
}

function resolveLocal(location: string, { scheme, host, path }: Parts, directory: string): string {
  if (scheme !== '' && scheme !== 'file') return location
  if (host !== '' && host !== '.' && !/^(?:localhost|127\.0\.0\.1)/v.test(host)) {
    throw invalidParameter(`${location} names a file of another host: use a path of this one, or a store such as s3://`)
  }
  if (location.startsWith('/') || path.startsWith('/')) return location
  const names = (scheme === '' ? location : path).split('/').filter((name) => name !== '' && name !== '.')
  return scheme === '' ? [directory, ...names].join('/') : `file://${[encodeURI(directory), ...names].join('/')}`
}
