// The settings: one parse of TRUELOOP_* when a process starts. The only place that reads the environment.
import { isAbsolute, join, resolve } from 'node:path'
import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { tracingNames, type TracingNames } from './tracing-config.ts'
import { loadMlflowConfig, MlflowEnvironment, type MlflowConfig } from './mlflow-config.ts'

const port = z.coerce.number().int().min(0).max(65_535)
const cores = availableParallelism()
const megabyte = 1024 * 1024
const dayMs = 86_400_000

function parseConnections(text: string, context: z.RefinementCtx): Record<string, string> {
  try {
    return z
      .record(z.string().regex(/^[\w\-]{1,64}$/v), z.string().regex(/^postgres(?:ql)?:\/\//v))
      .parse(JSON.parse(text))
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a JSON object of names and postgres:// URLs' })
    return z.NEVER
  }
}

function parseWebhooks(text: string, context: z.RefinementCtx): string[] {
  const urls = list(text)
  for (const [at, url] of urls.entries()) {
    const parsed = URL.parse(url)
    const which = `URL ${at + 1}${parsed?.host ? ` (${parsed.host})` : ''}`
    if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:') {
      context.addIssue({ code: 'custom', message: `${which} must be an https:// or http:// URL` })
    } else if (urls.indexOf(url) < at) {
      context.addIssue({ code: 'custom', message: `${which} is there already` })
    }
  }
  return urls
}

/** Every setting, its default and its bounds. docs/reference/settings.md lists them (tested). */
const Environment = z.object({
  /** Folder that holds everything: metadata, blobs, logs. Default: `.trueloop` in the current folder. */
  TRUELOOP_HOME: z.string().min(1).optional(),
  /** `sqlite:<file>` or `postgres://…`. Default: a SQLite file in the home. */
  TRUELOOP_DATABASE: z.string().min(1).optional(),
  /** A folder, or `s3://bucket/prefix?region=…&endpoint=…`. Default: `blobs` in the home. */
  TRUELOOP_BLOBS: z.string().min(1).optional(),
  /** Address to listen on; anything but loopback is refused while authentication is off. */
  TRUELOOP_HOST: z.string().min(1).default('127.0.0.1'),
  /** Host names that a request may carry besides the address it came to, separated by commas. */
  TRUELOOP_ALLOWED_HOSTS: z.string().default(''),
  /** Port of the control plane; 0 takes a free one. */
  TRUELOOP_PORT: port.default(7070),
  /** Port of the inference gateway; 0 takes a free one. */
  TRUELOOP_GATEWAY_PORT: port.default(7071),
  /** Port of the gateway's gRPC; 0 takes a free one, `off` is none. Default: one above the gateway's port, or free as that is. */
  TRUELOOP_GATEWAY_GRPC_PORT: z.union([z.literal('off'), port]).optional(),
  /** The endpoint that answers MLflow's clients at the root of the gateway; default: the only one, where there is one. */
  TRUELOOP_GATEWAY_ROOT_ENDPOINT: z
    .string()
    .regex(/^[A-Za-z0-9][\w.\-]{0,63}$/v, 'must be the name of an endpoint')
    .optional(),
  TRUELOOP_GATEWAY_WORKERS: z.coerce.number().int().min(1).max(256).default(cores),
  /** Steps that run at a time. */
  TRUELOOP_STEP_CONCURRENCY: z.coerce.number().int().min(1).max(256).default(1),
  TRUELOOP_STEP_THREADS: z.coerce.number().int().min(1).max(256).default(cores),
  /** Buffers of DuckDB in one step, in MiB. */
  TRUELOOP_STEP_MEMORY_MB: z.coerce.number().int().min(64).max(1_048_576).default(768),
  /** What is not public and may be reached by ingest and webhooks: hosts, `host:port`, addresses, networks; separated by commas. */
  TRUELOOP_ALLOWED_ADDRESSES: z.string().default(''),
  /** URLs that every alert is posted to when it opens and closes, separated by commas. */
  TRUELOOP_ALERT_WEBHOOKS: z.string().default('').transform(parseWebhooks),
  /** Days that predictions, events that were delivered and jobs that ended are kept. */
  TRUELOOP_PREDICTION_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  /** Days after which deleted runs, experiments and logged models go for good, with the stored bytes that nothing names; none: never by themselves. */
  TRUELOOP_DELETED_DAYS: z.coerce.number().int().min(0).max(36_500).optional(),
  /** Predictions of one endpoint that are kept in the metadata, about. */
  TRUELOOP_PREDICTION_ROWS: z.coerce.number().int().min(1_000).max(1_000_000_000).default(5_000_000),
  /** Of the prediction log, in MiB. */
  TRUELOOP_PREDICTION_LOG_MB: z.coerce.number().int().min(16).max(1_073_741_824).default(10_240),
  /** PostgreSQL servers that sources may query, as JSON: `{"warehouse": "postgres://…"}`. */
  TRUELOOP_CONNECTIONS: z
    .string()
    .default('{}')
    .transform((text, context) => parseConnections(text, context)),
  /** A collector that takes OpenTelemetry's traces over HTTP, such as `http://127.0.0.1:4318`; default: OTEL_EXPORTER_OTLP_ENDPOINT, else none. */
  TRUELOOP_OTLP_ENDPOINT: z.url({ protocol: /^https?$/v }).optional(),
  /** `name=value`, separated by commas; default: OTEL_EXPORTER_OTLP_HEADERS. */
  TRUELOOP_OTLP_HEADERS: z.string().optional(),
  /** Share of the requests without a caller's trace that are traced; default: OTEL_TRACES_SAMPLER_ARG, else 0.01. */
  TRUELOOP_TRACE_SHARE: z.coerce.number().min(0).max(1).optional(),
  TRUELOOP_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  TRUELOOP_LOG_FORMAT: z.enum(['json', 'text']).default('json'),
  /** Where the CLI and steps find the control plane; the CLI's default is the one of the current home. */
  TRUELOOP_URL: z.url().optional(),
  TRUELOOP_TOKEN: z.string().min(1).optional(),
  /** Set for steps: the run that they belong to. */
  TRUELOOP_RUN_ID: z.string().min(1).optional(),
})

export interface Config {
  readonly home: string
  readonly database: string
  readonly blobs: string
  readonly host: string
  readonly allowedHosts: readonly string[]
  readonly port: number
  readonly gatewayPort: number
  /** Null: no gRPC. */
  readonly gatewayGrpcPort: number | null
  readonly gatewayWorkers: number
  readonly gatewayRootEndpoint: string | undefined
  readonly stepConcurrency: number
  readonly stepThreads: number
  readonly stepMemoryBytes: number
  readonly allowedAddresses: readonly string[]
  readonly alertWebhooks: readonly string[]
  readonly predictionAgeMs: number
  /** Of what was deleted, until it goes for good; null: it stays. */
  readonly deletedAgeMs: number | null
  /** Of one endpoint. */
  readonly predictionRows: number
  readonly predictionLogBytes: number
  readonly connections: Readonly<Record<string, string>>
  readonly tracing: TracingNames
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly logFormat: 'json' | 'text'
  readonly url: string | undefined
  readonly token: string | undefined
  readonly runId: string | undefined
  readonly mlflow: MlflowConfig
  /** Set for steps: what MLflow's clients read to find the run. */
  readonly tracking: Readonly<Record<string, string>>
  /** PATH of this process, which commands that are steps get too. */
  readonly path: string
}

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of this process. */
export const processEnvironment = (): Environment => process.env

/** Their values hold passwords, and are in no message. */
const secretSettings: ReadonlySet<string> = new Set([
  'TRUELOOP_ALERT_WEBHOOKS',
  'TRUELOOP_CONNECTIONS',
  'TRUELOOP_DATABASE',
  'TRUELOOP_OTLP_HEADERS',
  'TRUELOOP_TOKEN',
])

const list = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item.length > 0)

const trackingNames = ['MLFLOW_TRACKING_URI', 'MLFLOW_TRACKING_TOKEN', 'MLFLOW_EXPERIMENT_ID', 'MLFLOW_RUN_ID']

/** Null is no gRPC; without a wish it is beside the gateway's port: free as that is, or one above it. */
export function grpcPortOf(
  wanted: number | 'off' | undefined,
  { port: controlPort, gatewayPort }: Pick<Config, 'port' | 'gatewayPort'>,
): number | null {
  if (wanted !== undefined) return wanted === 'off' ? null : wanted
  const next = gatewayPort + (gatewayPort + 1 === controlPort ? 2 : 1)
  return gatewayPort === 0 || next > 65_535 ? 0 : next
}

function assertPortsDiffer(settings: z.infer<typeof Environment>): void {
  const { TRUELOOP_GATEWAY_GRPC_PORT: wanted, TRUELOOP_GATEWAY_PORT: taken } = settings
  if (wanted === undefined || wanted === 0 || wanted !== taken) return
  const message = `TRUELOOP_GATEWAY_GRPC_PORT="${wanted}": that is the gateway's own port; gRPC needs another`
  throw new DomainError('invalid', 'setting_invalid', message)
}

/** @throws DomainError setting_unknown, setting_invalid; each names the setting. */
export function loadConfig(environment: Environment): Config {
  const known = Object.keys(Environment.shape)
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith('TRUELOOP_') && !known.includes(name) && !name.startsWith('TRUELOOP_TEST_'),
  )
  if (unknown) {
    throw new DomainError(
      'invalid',
      'setting_unknown',
      `there is no setting ${unknown}; the settings are ${known.join(', ')}`,
    )
  }
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const name = String(issue?.path[0])
    throw new DomainError(
      'invalid',
      'setting_invalid',
      `${name}${secretSettings.has(name) ? '' : `="${environment[name] ?? ''}"`}: ${issue?.message ?? 'not valid'}`,
    )
  }
  const settings = parsed.data
  assertPortsDiffer(settings)
  const ports = { port: settings.TRUELOOP_PORT, gatewayPort: settings.TRUELOOP_GATEWAY_PORT }
  const home = resolve(settings.TRUELOOP_HOME ?? '.trueloop')
  const blobs = settings.TRUELOOP_BLOBS ?? join(home, 'blobs')
  return {
    home,
    database: settings.TRUELOOP_DATABASE ?? `sqlite:${join(home, 'metadata.sqlite')}`,
    blobs: blobs.startsWith('s3://') || isAbsolute(blobs) ? blobs : resolve(blobs),
    host: settings.TRUELOOP_HOST,
    allowedHosts: list(settings.TRUELOOP_ALLOWED_HOSTS),
    ...ports,
    gatewayGrpcPort: grpcPortOf(settings.TRUELOOP_GATEWAY_GRPC_PORT, ports),
    gatewayWorkers: settings.TRUELOOP_GATEWAY_WORKERS,
    gatewayRootEndpoint: settings.TRUELOOP_GATEWAY_ROOT_ENDPOINT,
    stepConcurrency: settings.TRUELOOP_STEP_CONCURRENCY,
    stepThreads: settings.TRUELOOP_STEP_THREADS,
    stepMemoryBytes: settings.TRUELOOP_STEP_MEMORY_MB * megabyte,
    allowedAddresses: list(settings.TRUELOOP_ALLOWED_ADDRESSES),
    alertWebhooks: settings.TRUELOOP_ALERT_WEBHOOKS,
    predictionAgeMs: settings.TRUELOOP_PREDICTION_DAYS * dayMs,
    deletedAgeMs: settings.TRUELOOP_DELETED_DAYS === undefined ? null : settings.TRUELOOP_DELETED_DAYS * dayMs,
    predictionRows: settings.TRUELOOP_PREDICTION_ROWS,
    predictionLogBytes: settings.TRUELOOP_PREDICTION_LOG_MB * megabyte,
    connections: settings.TRUELOOP_CONNECTIONS,
    tracing: tracingNames(
      {
        endpoint: settings.TRUELOOP_OTLP_ENDPOINT,
        headers: settings.TRUELOOP_OTLP_HEADERS,
        share: settings.TRUELOOP_TRACE_SHARE,
      },
      environment,
    ),
    logLevel: settings.TRUELOOP_LOG_LEVEL,
    logFormat: settings.TRUELOOP_LOG_FORMAT,
    url: settings.TRUELOOP_URL,
    token: settings.TRUELOOP_TOKEN,
    runId: settings.TRUELOOP_RUN_ID,
    mlflow: loadMlflowConfig(environment),
    tracking: Object.fromEntries(
      trackingNames.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
    ),
    path: environment['PATH'] ?? '/usr/bin:/bin',
  }
}

/** The settings of a child process of this home: the parent's, with what it changed. */
export function childEnvironment(config: Config, changes: Environment = {}): Record<string, string> {
  const { PATH, HOME, TMPDIR, LANG, TZ } = process.env
  const passedOn = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.startsWith('AWS_') || name in MlflowEnvironment.shape),
  )
  const all: Environment = {
    PATH,
    HOME,
    TMPDIR,
    LANG,
    TZ,
    ...passedOn,
    // Compiled code, kept in the home: a step's process starts in half the time.
    NODE_COMPILE_CACHE: join(config.home, 'code-cache'),
    TRUELOOP_HOME: config.home,
    TRUELOOP_DATABASE: config.database,
    TRUELOOP_BLOBS: config.blobs,
    TRUELOOP_HOST: config.host,
    TRUELOOP_ALLOWED_HOSTS: config.allowedHosts.join(','),
    TRUELOOP_PORT: String(config.port),
    TRUELOOP_GATEWAY_PORT: String(config.gatewayPort),
    TRUELOOP_GATEWAY_GRPC_PORT: String(config.gatewayGrpcPort ?? 'off'),
    TRUELOOP_GATEWAY_WORKERS: String(config.gatewayWorkers),
    TRUELOOP_GATEWAY_ROOT_ENDPOINT: config.gatewayRootEndpoint,
    TRUELOOP_STEP_CONCURRENCY: String(config.stepConcurrency),
    TRUELOOP_STEP_THREADS: String(config.stepThreads),
    TRUELOOP_STEP_MEMORY_MB: String(Math.round(config.stepMemoryBytes / megabyte)),
    TRUELOOP_ALLOWED_ADDRESSES: config.allowedAddresses.join(','),
    TRUELOOP_ALERT_WEBHOOKS: config.alertWebhooks.join(','),
    TRUELOOP_PREDICTION_DAYS: String(Math.round(config.predictionAgeMs / dayMs)),
    TRUELOOP_DELETED_DAYS: config.deletedAgeMs === null ? undefined : String(Math.round(config.deletedAgeMs / dayMs)),
    TRUELOOP_PREDICTION_ROWS: String(config.predictionRows),
    TRUELOOP_PREDICTION_LOG_MB: String(Math.round(config.predictionLogBytes / megabyte)),
    TRUELOOP_CONNECTIONS: JSON.stringify(config.connections),
    TRUELOOP_OTLP_ENDPOINT: config.tracing.endpoint,
    TRUELOOP_OTLP_HEADERS: config.tracing.headers,
    TRUELOOP_TRACE_SHARE: config.tracing.share === undefined ? undefined : String(config.tracing.share),
    TRUELOOP_LOG_LEVEL: config.logLevel,
    TRUELOOP_LOG_FORMAT: config.logFormat,
    ...changes,
  }
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
