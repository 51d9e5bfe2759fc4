// trueloop open: the address of something; on a terminal, in a browser too.
import { spawn } from 'node:child_process'
import { pathOf } from '../client/http-client.ts'
import { DomainError } from '../platform/errors.ts'
import { connect, type Session } from './session.ts'

const folders: Readonly<Record<string, string>> = {
  loop: '/loops',
  endpoint: '/endpoints',
  model: '/models',
  data: '/datasets',
  run: '/runs',
  pipeline: '/pipeline-runs',
  rollout: '/rollouts',
  alert: '/alerts',
  gate: '/gates',
  prediction: '/predictions',
}

/** `model/flights/3` stands for the version's own place below `/api`. @throws DomainError argument_invalid */
export function resourcePath(resource: string): string {
  if (resource === 'api') return '/openapi.json'
  const [kind = '', ...names] = resource.split('/')
  const folder = folders[kind]
  if (!folder || names.some((name) => name === '')) {
    const known = Object.keys(folders).join(', ')
    throw new DomainError(
      'invalid',
      'argument_invalid',
      `"${resource}" is nothing to open: write api, or <kind>/<name> with a kind of ${known}`,
    )
  }
  const [name, version] = names
  if (name === undefined) return folder
  const isVersioned = version !== undefined && (kind === 'model' || kind === 'data')
  return isVersioned ? folder + pathOf`/${name}/versions/${version}` : folder + pathOf`/${names.join('/')}`
}

/** @throws what the API says of a resource that is not there */
export async function open(session: Session, resource: string): Promise<void> {
  const client = connect(session)
  const path = resourcePath(resource)
  const response = await client.send({ path })
  await response.body?.cancel()
  const url = new URL(`/api${path}`, client.url).href
  session.terminal.show({ url }, ({ url: address }) => address)
  if (process.stdout.isTTY && !session.terminal.json) await openBrowser(url)
}

/** A machine without a browser has the address to copy: that is no failure. */
function openBrowser(url: string): Promise<void> {
  const command = process.platform === 'darwin' ? 'open' : 'xdg-open'
  return new Promise((resolve) => {
    const child = spawn(command, [url], { stdio: 'ignore', detached: true })
    child.once('error', () => resolve())
    child.once('spawn', () => {
      child.unref()
      resolve()
    })
  })
}
