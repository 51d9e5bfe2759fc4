// Making, changing and deleting webhooks; their secrets are stored sealed.
import type { Db, Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { seal, unseal, type SealingKey } from '../platform/sealing.ts'
import { recordAudit, type Actor, type AuditTables } from './audit.ts'
import {
  getWebhook,
  insertWebhook,
  readSealedSecret,
  removeWebhook,
  setWebhookEvents,
  updateWebhook,
  type WebhookTables,
} from './webhook-store.ts'
import type { Webhook, WebhookEvent } from './webhook.ts'

type Trx = Transaction<WebhookTables & AuditTables>

export interface NewWebhook {
  readonly name: string
  readonly description: string
  /** Checked already: where it leads, and that it may be reached. */
  readonly url: string
  readonly events: readonly WebhookEvent[]
  /** Empty: what is sent is not signed. */
  readonly secret: string
  readonly isActive: boolean
}

export async function createWebhook(
  trx: Trx,
  actor: Actor,
  { key, ...made }: NewWebhook & { readonly key: SealingKey },
): Promise<Webhook> {
  const { name, description, url, events, secret, isActive } = made
  const id = actor.ids('whk')
  const atMs = actor.clock()
  const words = { name, description, url, is_active: isActive ? 1 : 0 }
  const sealed = secret === '' ? null : seal(key, secret, id)
  await insertWebhook(trx, { id, ...words, secret: sealed, created_at_ms: atMs, updated_at_ms: atMs })
  await setWebhookEvents(trx, id, events)
  const detail = { name, origin: originOf(url), events, isActive, hasSecret: secret !== '' }
  await recordAudit(trx, actor, { action: 'webhook.create', subject: id, detail })
  return getWebhook(trx, id)
}

/** What is left out stays. @throws DomainError webhook_not_found */
export async function changeWebhook(
  trx: Trx,
  actor: Actor,
  { id, key, ...change }: Partial<NewWebhook> & { readonly id: string; readonly key: SealingKey },
): Promise<Webhook> {
  await getWebhook(trx, id)
  const { name, description, url, events, secret, isActive } = change
  await updateWebhook(trx, id, {
    updated_at_ms: actor.clock(),
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(url === undefined ? {} : { url }),
    ...(isActive === undefined ? {} : { is_active: isActive ? 1 : 0 }),
    ...(secret === undefined ? {} : { secret: secret === '' ? null : seal(key, secret, id) }),
  })
  if (events) await setWebhookEvents(trx, id, events)
  const detail = {
    name,
    description,
    events,
    isActive,
    origin: url === undefined ? undefined : originOf(url),
    secret: secret === undefined ? undefined : 'changed',
  }
  await recordAudit(trx, actor, { action: 'webhook.change', subject: id, detail })
  return getWebhook(trx, id)
}

/** What waits to be delivered to it is not delivered any more. @throws DomainError webhook_not_found */
export async function deleteWebhook(trx: Trx, actor: Actor, id: string): Promise<void> {
  const { name, url } = await getWebhook(trx, id)
  await removeWebhook(trx, id)
  await recordAudit(trx, actor, { action: 'webhook.delete', subject: id, detail: { name, origin: originOf(url) } })
}

/** The path may hold a secret, so the audit log has none of it. */
const originOf = (url: string): string => new URL(url).origin

/** Empty: it has none. @throws DomainError webhook_not_found, webhook_secret_unreadable */
export async function readSecret(db: Db<WebhookTables>, { id, key }: { id: string; key: SealingKey }): Promise<string> {
  const sealed = await readSealedSecret(db, id)
  if (sealed === null) return ''
  const secret = unseal(key, sealed, id)
  if (secret !== undefined) return secret
  throw new DomainError(
    'conflict',
    'webhook_secret_unreadable',
    `the secret of webhook ${id} was sealed with another key: give it its secret again, or start with the key of before`,
  )
}
