// Webhooks of an MLflow database. Their secrets come over when the key that its server sealed them with is known.
import { insertWebhook, listWebhooks, setWebhookEvents } from '../../governance/webhook-store.ts'
import { webhookEvents } from '../../governance/webhook.ts'
import { transact } from '../../platform/database.ts'
import { seal } from '../../platform/sealing.ts'
import { openFernet } from '../exchange/fernet.ts'
import type { WebhookKeys } from '../webhook-keys.ts'
import type { ImportDeps, Tally } from './deps.ts'
import { orNull, timeOf } from './rows.ts'
import type { SourceRow } from './source.ts'

/** Staged for one that may have a secret, by who was not told it. */
export const untoldSecret = ''

/** More than anybody makes by hand. */
const webhooksMax = 10_000

/** One that is here already stays as it is. Answers in words which came without their secret; they are off, since what they sent would be unsigned. */
export async function importWebhooks(deps: ImportDeps, keys: WebhookKeys, tally: Tally): Promise<string[]> {
  const { db, source } = deps
  if ((await source.columnsOf('webhooks')).size === 0) return []
  const without: string[] = []
  const here = new Set((await listWebhooks(db, { limit: webhooksMax })).map(({ id }) => id))
  for (const row of await source.all('select * from webhooks where deleted_timestamp is null order by webhook_id')) {
    tally.add('webhooks')
    const id = String(row['webhook_id'])
    if (here.has(id)) continue
    const events = await source.all('select entity, action from webhook_events where webhook_id = ?', [id])
    const sealed = orNull(row['secret'])
    const secret = sealed === null ? null : secretOf(keys, sealed)
    if (secret === undefined) without.push(`the webhook "${String(row['name'])}" is off and ${whyWithout(sealed)}`)
    await transact(db, async (trx) => {
      await insertWebhook(trx, {
        ...wordsOf(row),
        id,
        is_active: row['status'] === 'ACTIVE' && secret !== undefined ? 1 : 0,
        secret: secret ? seal(keys.ours, secret, id) : null,
      })
      const names = new Set(events.map(({ entity, action }) => `${String(entity)}.${String(action)}`.toLowerCase()))
      await setWebhookEvents(
        trx,
        id,
        webhookEvents.filter((event) => names.has(event)),
      )
    })
  }
  return without
}

const whyWithout = (sealed: string | null): string =>
  sealed === untoldSecret
    ? 'signs nothing: no server tells the secrets of webhooks, so give it its secret again, if it had one'
    : 'has no secret: give it its secret again, or import into a new home with MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY as its server had it'

/** Undefined: it does not open. */
const secretOf = ({ theirs }: WebhookKeys, sealed: string): string | undefined => theirs && openFernet(theirs, sealed)

const wordsOf = (row: SourceRow) => ({
  name: String(row['name']),
  description: orNull(row['description']) ?? '',
  url: String(row['url']),
  created_at_ms: timeOf(row['creation_timestamp']),
  updated_at_ms: timeOf(row['last_updated_timestamp'] ?? row['creation_timestamp']),
})
