// trueloop server: the control plane of a home in the foreground, with the flags of an MLflow server.
import { resolve } from 'node:path'
import { processEnvironment, type Config } from '../app/config.ts'
import { controlPlane } from '../app/entries.ts'
import { folderOf, loadMlflowConfig, locationOf } from '../app/mlflow-config.ts'
import { runServer } from '../app/server.ts'
import { DomainError } from '../platform/errors.ts'
import type { Session } from './session.ts'

export interface ServerOptions {
  readonly host?: string
  readonly port?: string
  readonly home?: string
  readonly defaultArtifactRoot?: string
  readonly artifactsDestination?: string
  readonly allowedHosts?: string
  readonly corsAllowedOrigins?: string
  readonly xFrameOptions?: string
  readonly disableSecurityMiddleware?: boolean
}

export async function server({ config, terminal }: Session, options: ServerOptions): Promise<void> {
  takeFlags()
  const chosen = withOptions(config, options)
  const tell = (url: string): void =>
    terminal.show(
      { home: chosen.home, url },
      () => `Trueloop's control plane is up.\n  MLFLOW_TRACKING_URI=${url}\n  home ${chosen.home}`,
    )
  try {
    await runServer(chosen, tell)
  } catch (error) {
    throw portRefused(error, chosen) ?? error
  }
}

/** Of an error of the system's, what to do about it. */
function portRefused(error: unknown, { host, port }: Config): DomainError | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException
  const why = code === 'EADDRINUSE' ? 'is taken' : code === 'EACCES' ? 'is not for this user' : undefined
  if (syscall !== 'listen' || why === undefined) return undefined
  const message = `port ${port} of ${host} ${why}: name another one with --port, or 0 for any free one`
  return new DomainError('invalid', 'setting_invalid', message)
}

/** This process begins again as the control plane that `trueloop up` would start: V8 reads its flags once. */
function takeFlags(): void {
  const { execPath, execArgv, argv } = process
  const { flags, environment } = controlPlane
  if (flags.every((flag) => execArgv.includes(flag))) return
  const args = [execPath, ...execArgv, ...flags, ...argv.slice(1)]
  process.execve?.(execPath, args, { ...processEnvironment(), ...environment })
}

function withOptions(config: Config, options: ServerOptions): Config {
  const home = options.home === undefined ? config.home : resolve(options.home)
  // Set to nothing is not set, as an MLflow server has it.
  const { artifactsDestination: destination = '', defaultArtifactRoot: root = '' } = options
  const moved = home === config.home ? config : rehomed(config, home)
  return {
    ...moved,
    host: options.host ?? config.host,
    port: options.port === undefined ? config.port : portOf(options.port),
    blobs: destination === '' ? moved.blobs : blobsOf(destination),
    mlflow: {
      ...config.mlflow,
      ...(root === '' ? {} : { defaultArtifactRoot: locationOf('--default-artifact-root', root) }),
      ...originRules(options),
    },
  }
}

type OriginRules = Pick<Config['mlflow'], 'allowedHosts' | 'allowedOrigins' | 'frameOptions'>

/** Flags mean what the settings of their names do. @throws DomainError setting_invalid */
function originRules(options: ServerOptions): Partial<OriginRules> {
  const { allowedHosts, allowedOrigins, frameOptions } = loadMlflowConfig({
    MLFLOW_SERVER_ALLOWED_HOSTS: options.allowedHosts,
    MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: options.corsAllowedOrigins,
    MLFLOW_SERVER_X_FRAME_OPTIONS: options.xFrameOptions,
    MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE: options.disableSecurityMiddleware ? 'true' : undefined,
  })
  return {
    ...(options.allowedHosts === undefined ? {} : { allowedHosts }),
    ...(options.corsAllowedOrigins === undefined ? {} : { allowedOrigins }),
    ...(options.xFrameOptions === undefined ? {} : { frameOptions }),
  }
}

/** What lies in the home by default lies in the other one. */
function rehomed(config: Config, home: string): Config {
  const moved = (text: string): string => text.replace(`${config.home}/`, `${home}/`)
  return { ...config, home, database: moved(config.database), blobs: moved(config.blobs) }
}

/** @throws DomainError port_invalid */
function portOf(text: string): number {
  const value = /^\d+$/v.test(text) ? Number(text) : Infinity
  if (value <= 65_535) return value
  const message = `--port ${text}: a port is a number from 0 (any free one) to 65535`
  throw new DomainError('invalid', 'port_invalid', message)
}

/** Stored objects lie where an MLflow server would lay files: below a folder, or in a bucket. @throws DomainError setting_invalid */
function blobsOf(destination: string): string {
  if (destination.startsWith('s3://')) return destination
  if (destination.startsWith('file:')) return folderOf('--artifacts-destination', destination)
  if (/^[a-z][a-z0-9+.\-]*:/iv.test(destination)) {
    const message = `--artifacts-destination ${destination}: artifacts go to a folder, file:///… or s3://bucket/prefix`
    throw new DomainError('invalid', 'setting_invalid', message)
  }
  return resolve(destination)
}
