// The URL of a webhook, checked when it is given; the address that it means is checked again with each delivery (platform/outbound.ts).
import { resolveDestination } from '../../platform/addresses.ts'
import { messageOf } from '../../platform/errors.ts'
import { invalidParameter } from '../wire/errors.ts'
import { reprOf } from '../filter/python.ts'
import type { WebhookRules } from './deps.ts'

const charactersMax = 2_000

/** Resolves the host. @throws MlflowError INVALID_PARAMETER_VALUE */
export async function assertWebhookUrl(url: string, { schemes, allow }: WebhookRules): Promise<void> {
  if (url.trim() === '') throw invalidParameter(`Webhook URL cannot be empty or just whitespace: ${reprOf(url)}`)
  if (url.length > charactersMax) throw invalidParameter(`Webhook URL has at most ${charactersMax} characters.`)
  const scheme = /^(?<scheme>[a-z][a-z0-9+.\-]*):/iv.exec(url.trim())?.groups?.['scheme']?.toLowerCase() ?? ''
  if (!schemes.includes(scheme)) {
    throw invalidParameter(`Invalid webhook URL scheme: ${reprOf(scheme)}. Allowed schemes are: ${schemes.join(', ')}.`)
  }
  const target = URL.parse(url)
  // What can be sent: of other schemes the settings may say that they are allowed, but nothing can be posted by them.
  if (target?.protocol !== 'https:' && target?.protocol !== 'http:') {
    throw invalidParameter(`Webhook URL must include a hostname: ${reprOf(url)}`)
  }
  const destination = await resolveDestination(target, allow).catch((error: unknown) => {
    throw invalidParameter(`Cannot resolve Webhook URL hostname ${reprOf(target.hostname)}: ${resolverText(error)}`)
  })
  if (destination.state === 'open') return
  throw invalidParameter(
    `Webhook URL must not resolve to a non-public IP address. ${reprOf(target.hostname)} resolves to ${destination.address}.`,
  )
}

/** As Python tells what the resolver said. */
function resolverText(error: unknown): string {
  const { code } = error as { code?: unknown }
  if (code === 'ENOTFOUND') return '[Errno -2] Name or service not known'
  return code === 'EAI_AGAIN' ? '[Errno -3] Temporary failure in name resolution' : messageOf(error)
}
