// trueloop up: starts the control plane and the gateway of this home.
import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { childEnvironment, grpcPortOf, type Config } from '../app/config.ts'
import { entryFile } from '../app/entries.ts'
import { createHome, findRuntime } from '../app/home.ts'
import { logFile, supervise, waitUntilReady } from '../app/supervisor.ts'
import { DomainError } from '../platform/errors.ts'
import type { Session } from './session.ts'

export interface UpOptions {
  readonly detach?: boolean
  readonly port?: string
  readonly gatewayPort?: string
}

export interface Urls {
  readonly url: string
  readonly gatewayUrl: string
  /** `host:port`; undefined: it is off. */
  readonly grpc: string | undefined
}

export async function up({ config, terminal }: Session, options: UpOptions): Promise<void> {
  const chosen = withPorts(config, options)
  const running = findRuntime(chosen.home, 'supervisor')
  if (running) {
    const message = `${chosen.home} is already up (process ${running.process.pid}); "trueloop status" shows it, "trueloop down" ends it`
    throw new DomainError('conflict', 'home_in_use', message)
  }
  const tell = (urls: Urls): void =>
    terminal.show(
      { home: chosen.home, ...urls },
      () =>
        `Trueloop is up.\n  control plane  ${urls.url}\n  gateway        ${urls.gatewayUrl}\n  gRPC           ${urls.grpc ?? 'off'}\n  home           ${chosen.home}`,
    )
  if (options.detach) tell(await detach(chosen))
  else await supervise(chosen, tell)
}

function withPorts(config: Config, { port, gatewayPort }: UpOptions): Config {
  const parse = (text: string, flag: string): number => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value
    throw new DomainError(
      'invalid',
      'port_invalid',
      `${flag} ${text}: a port is a number from 0 (any free one) to 65535`,
    )
  }
  const chosen = port === undefined ? config.port : parse(port, '--port')
  const isMoved = port !== undefined || gatewayPort !== undefined
  const fallback = port === undefined ? config.gatewayPort : chosen === 0 ? 0 : chosen + 1
  const gateway = gatewayPort === undefined ? fallback : parse(gatewayPort, '--gateway-port')
  const { gatewayGrpcPort } = config
  return {
    ...config,
    port: chosen,
    gatewayPort: gateway,
    gatewayGrpcPort:
      isMoved && gatewayGrpcPort !== null
        ? grpcPortOf(undefined, { port: chosen, gatewayPort: gateway })
        : gatewayGrpcPort,
  }
}

/** Starts a supervisor that outlives this command, and waits until all of it answers. */
export async function detach(config: Config): Promise<Urls> {
  createHome(config.home)
  mkdirSync(join(config.home, 'logs'), { recursive: true, mode: 0o700 })
  const out = openSync(logFile(config.home, 'supervisor'), 'a', 0o600)
  const child = spawn(process.execPath, [entryFile('supervisor')], {
    env: childEnvironment(config),
    stdio: ['ignore', out, out],
    detached: true,
  })
  const fell = new AbortController()
  child.once('exit', () => fell.abort())
  const isWanted = (): boolean => !fell.signal.aborted
  const server = await waitUntilReady(config.home, 'server', isWanted)
  const gateway = await waitUntilReady(config.home, 'gateway', isWanted)
  child.unref()
  return { url: server.url ?? '', gatewayUrl: gateway.url ?? '', grpc: gateway.grpc }
}
