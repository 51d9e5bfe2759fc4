// Webhooks over MLflow's API. Their secrets are never answered.
import { getWebhook, listWebhooks, type WebhookPlace } from '../../governance/webhook-store.ts'
import { webhookEvents, type Webhook, type WebhookEvent } from '../../governance/webhook.ts'
import { changeWebhook, createWebhook, deleteWebhook } from '../../governance/webhooks.ts'
import { transact } from '../../platform/database.ts'
import { messageOf } from '../../platform/errors.ts'
import { hexId } from '../../platform/ids.ts'
import { invalidParameter } from '../wire/errors.ts'
import { reprOf, reprOfList } from '../filter/python.ts'
import type * as wire from '../generated/messages.ts'
import type { Call, Methods } from '../wire/method.ts'
import type { WebhookDeps } from './deps.ts'
import { sendNow } from '../webhook-delivery.ts'
import { exampleData } from './events.ts'
import { assertWebhookUrl } from './url.ts'

const read = 'webhook.read' as const
const write = 'webhook.write' as const
const pageDefault = 100
const pageMax = 1_000

function readName(name: string): string {
  if (/^(?=.{1,63}$)[a-z0-9](?:[a-z0-9._\-]*[a-z0-9])?$/iv.test(name)) return name
  throw invalidParameter(
    `Webhook name ${reprOf(name)} is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
  )
}

function readEvent({ entity = 'ENTITY_UNSPECIFIED', action = 'ACTION_UNSPECIFIED' }: wire.WebhookEvent): WebhookEvent {
  const [of, what] = [entity.toLowerCase(), action.toLowerCase()]
  const found = webhookEvents.find((event) => event === `${of}.${what}`)
  if (found) return found
  const valid = webhookEvents.filter((event) => event.startsWith(`${of}.`)).map((event) => event.slice(of.length + 1))
  throw invalidParameter(
    `Invalid action '${what}' for entity '${of}'. Valid actions are: ${reprOfList(valid.toSorted())}`,
  )
}

const secretCharactersMax = 1_000

function readSecret(secret: string): string {
  if (secret.length <= secretCharactersMax) return secret
  throw invalidParameter(`'secret' exceeds the maximum length of ${secretCharactersMax} characters`)
}

const webhookOf = (webhook: Webhook): wire.Webhook => ({
  webhook_id: webhook.id,
  name: webhook.name,
  description: webhook.description === '' ? undefined : webhook.description,
  url: webhook.url,
  events: webhook.events.map((event) => {
    const [entity, action] = event.toUpperCase().split('.')
    return { entity: entity as wire.WebhookEntity, action: action as wire.WebhookAction }
  }),
  status: webhook.isActive ? 'ACTIVE' : 'DISABLED',
  creation_timestamp: webhook.createdAtMs,
  last_updated_timestamp: webhook.updatedAtMs,
})

async function create(
  { db, rules, key }: WebhookDeps,
  { request, actor }: Call<'createWebhook'>,
): Promise<wire.CreateWebhookResponse> {
  const { name = '', url = '', description = '', secret = '', status = 'ACTIVE', events = [] } = request
  const made = {
    name: readName(name),
    description,
    url,
    events: events.map(readEvent),
    secret: readSecret(secret),
    isActive: status === 'ACTIVE',
    key,
  }
  await assertWebhookUrl(url, rules)
  if (events.length === 0)
    throw invalidParameter('Webhook events must be a non-empty list of WebhookEvent objects: [].')
  return { webhook: webhookOf(await transact(db, (trx) => createWebhook(trx, actor, made))) }
}

async function update(
  { db, rules, key }: WebhookDeps,
  { request, actor }: Call<'updateWebhook'>,
): Promise<wire.UpdateWebhookResponse> {
  const { webhook_id: id = '', name, description, url, events, secret, status } = request
  await getWebhook(db, id)
  const change = {
    // Empty means unchanged here; of the description and the secret it means none.
    ...(name ? { name: readName(name) } : {}),
    ...(url ? { url } : {}),
    ...(events?.length ? { events: events.map(readEvent) } : {}),
    ...(description === undefined ? {} : { description }),
    ...(secret === undefined ? {} : { secret: readSecret(secret) }),
    ...(status === undefined ? {} : { isActive: status === 'ACTIVE' }),
  }
  if (url) await assertWebhookUrl(url, rules)
  return { webhook: webhookOf(await transact(db, (trx) => changeWebhook(trx, actor, { id, key, ...change }))) }
}

async function list(
  { db }: WebhookDeps,
  { max_results: asked, page_token: token }: wire.ListWebhooks,
): Promise<wire.ListWebhooksResponse> {
  const limit = asked || pageDefault
  if (limit < 1 || limit > pageMax) throw invalidParameter(`max_results must be between 1 and ${pageMax}.`)
  const found = await listWebhooks(db, { limit: limit + 1, after: token ? placeOf(token) : undefined })
  const page = found.slice(0, limit)
  const last = page.at(-1)
  const next = found.length > limit && last ? tokenOf(last) : undefined
  return { webhooks: page.length > 0 ? page.map(webhookOf) : undefined, next_page_token: next }
}

const tokenOf = ({ createdAtMs, id }: WebhookPlace): string => Buffer.from(`${createdAtMs}/${id}`).toString('base64url')

function placeOf(token: string): WebhookPlace {
  const text = Buffer.from(token, 'base64url').toString()
  const { at, id } = /^(?<at>\d{1,15})\/(?<id>[\w\-]+)$/v.exec(text)?.groups ?? {}
  if (at === undefined || id === undefined) throw invalidParameter(`Invalid page token: ${token}`)
  return { createdAtMs: Number(at), id }
}

/** One attempt, and what came of it. */
async function tryOut(
  deps: WebhookDeps,
  { webhook_id: id = '', event: asked }: wire.TestWebhook,
): Promise<wire.TestWebhookResponse> {
  const webhook = await getWebhook(deps.db, id)
  const event = asked ? readEvent(asked) : webhook.events[0]!
  try {
    const message = { event, data: exampleData[event] }
    const outcome = await sendNow(deps, { id, message, deliveryId: hexId() })
    if (outcome.state === 'refused') return failed(`${outcome.address} is not a public IP address`)
    const { status, body } = outcome
    return { result: { success: status < 400, response_status: status, response_body: body } }
  } catch (error) {
    return failed(messageOf(error))
  }
}

const failed = (why: string): wire.TestWebhookResponse => ({
  result: { success: false, error_message: `Failed to test webhook: ${why}` },
})

export const webhookMethods: Methods<WebhookDeps> = {
  createWebhook: { permission: write, handle: create },
  listWebhooks: { permission: read, handle: (deps, { request }) => list(deps, request) },
  getWebhook: {
    permission: read,
    handle: async ({ db }, { request }) => ({ webhook: webhookOf(await getWebhook(db, request.webhook_id ?? '')) }),
  },
  updateWebhook: { permission: write, handle: update },
  deleteWebhook: {
    permission: write,
    handle: async ({ db }, { request, actor }) => {
      await transact(db, (trx) => deleteWebhook(trx, actor, request.webhook_id ?? ''))
      return {}
    },
  },
  testWebhook: { permission: write, handle: (deps, { request }) => tryOut(deps, request) },
}
