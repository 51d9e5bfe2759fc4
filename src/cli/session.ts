// What every command starts from: the settings, the terminal, and the control plane of this home.
import { loadConfig, processEnvironment, type Config } from '../app/config.ts'
import { findRuntime } from '../app/home.ts'
import { createClient, type Client } from '../client/http-client.ts'
import { DomainError } from '../platform/errors.ts'
import { createTerminal, type Terminal } from './terminal.ts'

export interface Session {
  readonly config: Config
  readonly terminal: Terminal
}

export function openSession(json: boolean): Session {
  return { config: loadConfig(processEnvironment()), terminal: createTerminal(json) }
}

/** The control plane that TRUELOOP_URL names, or the one that runs in this home. @throws DomainError not_running */
export function connect({ config }: Session): Client {
  const url = config.url ?? findRuntime(config.home, 'server')?.url
  if (!url)
    throw new DomainError(
      'unavailable',
      'not_running',
      `nothing runs in ${config.home}; start it with "trueloop up --detach"`,
    )
  return createClient({ url, token: config.token })
}

/** Address of this home's inference gateway. @throws DomainError not_running */
export function gatewayUrl({ config }: Session): string {
  const url = findRuntime(config.home, 'gateway')?.url
  if (!url)
    throw new DomainError(
      'unavailable',
      'not_running',
      `no gateway runs in ${config.home}; start it with "trueloop up --detach"`,
    )
  return url
}
