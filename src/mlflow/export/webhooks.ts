// Webhooks as an MLflow database keeps them: their secrets sealed with a key that its server is started with.
import { unseal } from '../../platform/sealing.ts'
import { makeFernet } from '../exchange/fernet.ts'
import type { WebhookKeys } from '../webhook-keys.ts'
import type { TableCopy } from './tables.ts'

/** Those whose secret cannot go along are off there: what they sent would be unsigned. */
export function webhookCopies(keys: WebhookKeys, atMs: number): readonly TableCopy[] {
  return [
    {
      table: 'webhooks',
      query: `select id as webhook_id, name, description, url, is_active, secret, created_at_ms as creation_timestamp,
        updated_at_ms as last_updated_timestamp from webhook order by id`,
      rows({ is_active: isActive, secret: sealed, ...row }) {
        const opened = secretOf(keys, String(row['webhook_id']), sealed)
        const secret = keys.theirs && opened !== undefined ? makeFernet(keys.theirs, opened, atMs) : null
        const isOn = isActive === 1 && (sealed === null || secret !== null)
        return [{ ...row, status: isOn ? 'ACTIVE' : 'DISABLED', secret }]
      },
    },
    {
      table: 'webhook_events',
      query: `select webhook_id, event from webhook_event order by webhook_id, position`,
      rows({ webhook_id, event }) {
        const [entity, action] = String(event).split('.')
        return [{ webhook_id, entity, action }]
      },
    },
  ]
}

/** Undefined: it has none, or none that can go along. */
export const secretOf = ({ ours, theirs }: WebhookKeys, id: string, sealed: unknown): string | undefined =>
  theirs && typeof sealed === 'string' ? unseal(ours, sealed, id) : undefined
