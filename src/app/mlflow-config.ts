// The settings of the MLflow server that a client can see the effect of, under the names that its operators know.
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { z } from 'zod'
import { isHostPattern, isOriginPattern } from '../governance/host-pattern.ts'
import { DomainError, messageOf } from '../platform/errors.ts'

const flag = z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] })

/** Items of a list, with commas between them. */
const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

const patterns = (isPattern: (text: string) => boolean, example: string): z.ZodType<readonly string[], string> =>
  z.string().transform((text, context) => {
    const items = listOf(text)
    const wrong = items.find((item) => !isPattern(item))
    if (wrong === undefined) return items
    const message = `"${wrong}" is refused, since pages of strangers could then do everything here: name whom you mean, such as ${example}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
const hostPatterns = patterns(isHostPattern, 'models.corp.example, *.corp.example or 192.168.*')
const originPatterns = patterns(isOriginPattern, 'https://app.corp.example or https://*.corp.example')

const off = z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] }).refine((isDisabled) => !isDisabled, {
  message:
    'what keeps pages of strangers out stays on while authentication is off: name hosts in MLFLOW_SERVER_ALLOWED_HOSTS and origins in MLFLOW_SERVER_CORS_ALLOWED_ORIGINS',
})

/** Every one, its default and its bounds. docs/reference/settings.md lists them (tested). Other MLFLOW_ variables are its clients'. */
export const MlflowEnvironment = z.object({
  /** Where the artifacts of a new experiment go: `mlflow-artifacts:/` (stored here), `file:///…`, `s3://…`, or a folder. */
  MLFLOW_DEFAULT_ARTIFACT_ROOT: z.string().min(1).default('mlflow-artifacts:/'),
  /** Whether params and tags that are too long are cut; else they are refused. */
  MLFLOW_TRUNCATE_LONG_VALUES: flag.default(true),
  /** Of the location that a client gives an experiment, in characters. */
  MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH: z.coerce.number().int().min(1).max(65_536).default(2048),
  /** Seconds that a link to download a file by lives, where its caller does not say. */
  MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS: z.coerce.number().int().min(1).max(604_800).default(300),
  /** Schemes of locations that name a host (`hdfs`, `https`) and that clients may give all the same, separated by commas. */
  MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES: z.string().default(''),
  /** A pattern that the source of a new model version must match. */
  MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX: z.string().min(1).optional(),
  /** Of the bucket store where `s3://…` locations are; Amazon's by default. */
  MLFLOW_S3_ENDPOINT_URL: z.url().optional(),
  /** Of those buckets, where the store does not say it itself. */
  AWS_REGION: z.string().min(1).default('us-east-1'),
  MLFLOW_WEBHOOK_ALLOWED_SCHEMES: z.string().default('https'),
  MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: flag.default(false),
  /** Encrypts the secrets of webhooks; the default is a key of the home's own. */
  MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY: z.string().min(1).optional(),
  MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES: z.coerce.number().int().min(0).max(100).default(3),
  /** Seconds. */
  MLFLOW_WEBHOOK_REQUEST_TIMEOUT: z.coerce.number().int().min(1).max(600).default(30),
  /** Seconds. */
  MLFLOW_WEBHOOK_CACHE_TTL: z.coerce.number().int().min(0).max(86_400).default(60),
  /** Names that the server goes by besides loopback: patterns (host-pattern.ts), separated by commas. */
  MLFLOW_SERVER_ALLOWED_HOSTS: hostPatterns.default([]),
  /** Origins whose pages may use MLflow's API: patterns, separated by commas. */
  MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: originPatterns.default([]),
  /** Only `false`. */
  MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE: off.default(false),
  /** Of every answer; NONE: no such header. */
  MLFLOW_SERVER_X_FRAME_OPTIONS: z
    .string()
    .toUpperCase()
    .pipe(z.enum(['SAMEORIGIN', 'DENY', 'NONE']))
    .default('SAMEORIGIN'),
  MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS: z.coerce.number().int().min(1).max(1000).default(10),
  MLFLOW_SERVER_GRAPHQL_MAX_ALIASES: z.coerce.number().int().min(1).max(1000).default(10),
})

export interface MlflowConfig {
  readonly defaultArtifactRoot: string
  readonly truncatesLongValues: boolean
  readonly artifactLocationLengthMax: number
  readonly downloadSeconds: number
  /** In lower case. */
  readonly allowedHostSchemes: ReadonlySet<string>
  readonly sourcePattern: RegExp | undefined
  /** Of the buckets that locations name. */
  readonly s3: { readonly endpoint: string | undefined; readonly region: string }
  readonly webhooks: {
    readonly schemes: readonly string[]
    readonly allowsPrivateAddresses: boolean
    readonly encryptionKey: string | undefined
    readonly retriesMax: number
    readonly timeoutMs: number
    readonly cacheMs: number
  }
  /** Patterns (governance/host-pattern.ts). */
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly frameOptions: 'DENY' | 'NONE' | 'SAMEORIGIN'
  readonly graphql: { readonly rootFieldsMax: number; readonly aliasesMax: number }
}

/**
 * A folder is one of this machine, whatever a client's current folder is; a relative one, `file:` before it or not, is below this process's
 * current folder, as an MLflow server has it.
 * @param name of the setting, for what is told
 * @throws DomainError setting_invalid
 */
export function locationOf(name: string, text: string): string {
  if (!text.startsWith('file:')) return /^[a-z][a-z0-9+.\-]*:/iv.test(text) ? text : resolve(text)
  const folder = folderOf(name, text)
  return text.startsWith('file:/') ? text : pathToFileURL(folder).href
}

/** That `file:///srv/a%20b` or `file:below/here` names. @throws DomainError setting_invalid */
export function folderOf(name: string, location: string): string {
  const path = location.slice('file:'.length)
  try {
    return path.startsWith('/') ? fileURLToPath(location) : resolve(decodeURIComponent(path))
  } catch (error) {
    throw new DomainError('invalid', 'setting_invalid', `${name} ${location}: ${messageOf(error)}`)
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws DomainError setting_invalid */
export function loadMlflowConfig(environment: Environment): MlflowConfig {
  // Set to nothing is not set, as its own server has it.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = MlflowEnvironment.safeParse(given)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new DomainError('invalid', 'setting_invalid', `${String(issue?.path[0])}: ${issue?.message ?? 'not valid'}`)
  }
  const settings = parsed.data
  return {
    defaultArtifactRoot: locationOf('MLFLOW_DEFAULT_ARTIFACT_ROOT', settings.MLFLOW_DEFAULT_ARTIFACT_ROOT),
    truncatesLongValues: settings.MLFLOW_TRUNCATE_LONG_VALUES,
    artifactLocationLengthMax: settings.MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH,
    downloadSeconds: settings.MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS,
    allowedHostSchemes: new Set(listOf(settings.MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES.toLowerCase())),
    sourcePattern: patternOf(settings.MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX),
    s3: { endpoint: settings.MLFLOW_S3_ENDPOINT_URL, region: settings.AWS_REGION },
    webhooks: {
      schemes: listOf(settings.MLFLOW_WEBHOOK_ALLOWED_SCHEMES),
      allowsPrivateAddresses: settings.MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS,
      encryptionKey: settings.MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY,
      retriesMax: settings.MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES,
      timeoutMs: settings.MLFLOW_WEBHOOK_REQUEST_TIMEOUT * 1000,
      cacheMs: settings.MLFLOW_WEBHOOK_CACHE_TTL * 1000,
    },
    allowedHosts: settings.MLFLOW_SERVER_ALLOWED_HOSTS,
    allowedOrigins: settings.MLFLOW_SERVER_CORS_ALLOWED_ORIGINS,
    frameOptions: settings.MLFLOW_SERVER_X_FRAME_OPTIONS,
    graphql: {
      rootFieldsMax: settings.MLFLOW_SERVER_GRAPHQL_MAX_ROOT_FIELDS,
      aliasesMax: settings.MLFLOW_SERVER_GRAPHQL_MAX_ALIASES,
    },
  }
}

/** @throws DomainError setting_invalid */
function patternOf(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    const message = `MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX: ${error instanceof Error ? error.message : String(error)}`
    throw new DomainError('invalid', 'setting_invalid', message)
  }
}
