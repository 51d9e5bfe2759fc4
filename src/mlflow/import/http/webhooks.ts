// Webhooks of a server, staged. No server tells their secrets.
import { untoldSecret } from '../webhooks.ts'
import { pagesOf, type StageDeps } from './deps.ts'

const page = 100

export async function stageWebhooks({ remote, staging }: StageDeps): Promise<void> {
  const pages = pagesOf((token) => remote.call('listWebhooks', { max_results: page, page_token: token }))
  for await (const { webhooks = [] } of pages) {
    for (const webhook of webhooks) {
      const id = webhook.webhook_id ?? ''
      staging.insert(
        'webhook_events',
        (webhook.events ?? []).map(({ entity = '', action = '' }) => ({
          webhook_id: id,
          entity: entity.toLowerCase(),
          action: action.toLowerCase(),
        })),
      )
      staging.insert('webhooks', [
        {
          webhook_id: id,
          name: webhook.name ?? '',
          description: webhook.description ?? null,
          url: webhook.url ?? '',
          status: webhook.status ?? 'ACTIVE',
          secret: untoldSecret,
          creation_timestamp: webhook.creation_timestamp ?? 0,
          last_updated_timestamp: webhook.last_updated_timestamp ?? null,
        },
      ])
    }
  }
}
