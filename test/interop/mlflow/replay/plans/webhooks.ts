// Webhooks: what one may be, lists, changes.
import type { Plan } from '../call.ts'

const long = (length: number): string => 'x'.repeat(length)

export function planWebhooks({ post, get, patch, delete: remove }: Plan): void {
  const event = { entity: 'REGISTERED_MODEL', action: 'CREATED' }
  const good = { name: 'hook', url: 'https://example.com/hook', events: [event] }
  const bad: [string, object][] = [
    ['no name', { name: undefined }],
    ['empty name', { name: '' }],
    ['odd name', { name: 'a b' }],
    ['long name', { name: long(64) }],
    ['no url', { url: undefined }],
    ['empty url', { url: '' }],
    ['http', { url: 'http://example.com' }],
    ['ftp', { url: 'ftp://example.com' }],
    ['not a url', { url: 'hello' }],
    ['loopback', { url: 'https://127.0.0.1/x' }],
    ['localhost', { url: 'https://localhost/x' }],
    ['private', { url: 'https://10.0.0.1/x' }],
    ['metadata', { url: 'https://169.254.169.254/x' }],
    ['no events', { events: undefined }],
    ['empty events', { events: [] }],
    ['bad event', { events: [{ entity: 'REGISTERED_MODEL', action: 'SET' }] }],
    ['unknown entity', { events: [{ entity: 'X', action: 'CREATED' }] }],
    ['event without action', { events: [{ entity: 'REGISTERED_MODEL' }] }],
    ['bad status', { status: 'X' }],
    ['secret', { name: 'sec', secret: 's3cret' }],
    ['disabled', { name: 'dis', status: 'DISABLED' }],
    ['two events', { name: 'two', events: [event, { entity: 'MODEL_VERSION', action: 'CREATED' }, event] }],
  ]
  post('create webhook', 'webhooks', { ...good, description: 'd' }, { take: { hook: 'webhook.webhook_id' } })
  for (const [label, fields] of bad) post(`create webhook, ${label}`, 'webhooks', { ...good, ...fields })
  get('get webhook', 'webhooks/{{hook}}')
  get('list webhooks', 'webhooks')
  get('list webhooks, one', 'webhooks', { max_results: '1' }, { take: { wnext: 'next_page_token' } })
  get('list webhooks, second', 'webhooks', { max_results: '1', page_token: '{{wnext}}' })
  for (const max_results of ['0', '-1', '1001', 'x'])
    get(`list webhooks, max_results ${max_results}`, 'webhooks', { max_results })
  patch('update webhook', 'webhooks/{{hook}}', { name: 'renamed', status: 'DISABLED' })
  patch('update webhook, events', 'webhooks/{{hook}}', { events: [{ entity: 'PROMPT', action: 'CREATED' }] })
  patch('update webhook, nothing', 'webhooks/{{hook}}', {})
  patch('update webhook, bad url', 'webhooks/{{hook}}', { url: 'http://example.com' })
  patch('update unknown webhook', 'webhooks/00000000-0000-0000-0000-000000000000', { name: 'x' })
  remove('delete webhook', 'webhooks/{{hook}}', undefined)
  remove('delete webhook again', 'webhooks/{{hook}}', undefined)
  get('get deleted webhook', 'webhooks/{{hook}}')
  post('test unknown webhook', 'webhooks/00000000-0000-0000-0000-000000000000/test', {})
}
