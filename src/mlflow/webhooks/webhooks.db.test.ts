// Webhooks against a real listener: what arrives, that it is signed as MLflow's clients check it, and what is never sent.
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { listAudit } from '../../governance/audit.ts'
import { governanceMigrations } from '../../governance/migrations.ts'
import { testActor } from '../../governance/testing.ts'
import { modelMigrations } from '../../models/migrations.ts'
import { moveAlias } from '../../models/promotion.ts'
import { createModel, setModelTag } from '../../models/registered-models.ts'
import { registerSource } from '../../models/registration.ts'
import type { RegistryTables } from '../../models/registry-tables.ts'
import { removeVersionTag, setVersionTag } from '../../models/version-changes.ts'
import { on, transact } from '../../platform/database.ts'
import { startDispatcher } from '../../platform/dispatcher.ts'
import { eventMigrations } from '../../platform/events.ts'
import { startJobWorker } from '../../platform/job-worker.ts'
import { jobMigrations, type JobTables } from '../../platform/jobs.ts'
import { silentLog } from '../../platform/log.ts'
import { sealingKey } from '../../platform/sealing.ts'
import { createTestDatabase } from '../../platform/testing.ts'
import type { WebhookTables } from '../../governance/webhook-store.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer } from '../testing.ts'
import { webhookConsumer, webhookWork } from '../webhook-delivery.ts'
import { anyAddress } from '../../platform/addresses.ts'
import type { WebhookRules } from './deps.ts'
import { webhookMethods } from './webhook-methods.ts'

interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Answers 200, or what `answer` says. */
async function listen(answer: (received: readonly Received[]) => number = () => 200) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body })
      response.writeHead(answer(received)).end('heard')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    received,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const local: WebhookRules = { schemes: ['http', 'https'], allow: anyAddress, timeoutMs: 5_000, retriesMax: 3 }
const strict: WebhookRules = { ...local, schemes: ['https'], allow: [] }
const migrations = { ...eventMigrations, ...jobMigrations, ...governanceMigrations, ...modelMigrations }

async function open(rules: WebhookRules = local) {
  const db = await createTestDatabase<RegistryTables & WebhookTables & JobTables>(migrations)
  const key = sealingKey('secret', 'webhooks')
  const clock = Date.now // oxlint-disable-line no-restricted-properties -- a receiver checks how old a delivery is
  const deps = { db, clock, rules, key }
  const server = await createMlflowTestServer(bind(webhookMethods, deps))
  const worker = startJobWorker({ db, log: silentLog, clock, owner: 'test' }, webhookWork(deps))
  const dispatcher = startDispatcher({ db, log: silentLog }, [webhookConsumer(deps, worker.wake)])
  await dispatcher.drain() // It tells what happens from now on.
  return {
    db,
    dispatcher,
    call: (method: 'DELETE' | 'GET' | 'PATCH' | 'POST', path: string, fields?: object) =>
      server.call(method, `2.0/mlflow/${path}`, fields),
    async [Symbol.asyncDispose]() {
      await dispatcher[Symbol.asyncDispose]()
      await worker[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    },
  }
}
type Opened = Awaited<ReturnType<typeof open>>

const actor = testActor('ada')
const source = (model: string, change: object = {}) => ({
  model,
  source: 's3://b/x',
  storageLocation: null,
  description: '',
  tags: {},
  runId: null,
  runLink: null,
  modelId: null,
  copyOf: null,
  ...change,
})
const eventOf = (text: string) => {
  const [entity, action] = text.toUpperCase().split('.')
  return { entity, action }
}
const make = async ({ call }: Opened, url: string, fields: object = {}): Promise<string> => {
  const events = [eventOf('registered_model.created')]
  const { status, json } = await call('POST', 'webhooks', { name: 'hook', url, events, ...fields })
  expect([status, json]).toEqual([200, expect.anything()])
  return json.webhook.webhook_id
}

/** As MLflow's documentation has a receiver check it. */
function isSigned({ headers, body }: Received, secret: string): boolean {
  const [version, signature] = String(headers['x-mlflow-signature']).split(',')
  const [id, timestamp] = [headers['x-mlflow-delivery-id'], headers['x-mlflow-timestamp']]
  const age = Math.abs(Date.now() / 1000 - Number(timestamp)) // oxlint-disable-line no-restricted-properties -- as above
  const expected = createHmac('sha256', secret)
    .update(`${String(id)}.${String(timestamp)}.${body}`)
    .digest('base64')
  return version === 'v1' && signature === expected && age < 300
}

test('each change of the registry is told once to those who listen to it, in MLflow’s words, and signed', async () => {
  await using receiver = await listen()
  await using opened = await open()
  const { db } = opened
  const all = [
    'registered_model.created',
    'model_version.created',
    'model_version_tag.set',
    'model_version_tag.deleted',
    'model_version_alias.created',
    'model_version_alias.deleted',
    'prompt.created',
    'prompt_version.created',
    'prompt_tag.set',
    'prompt_alias.created',
  ]
  const events = all.map(eventOf)
  await make(opened, `${receiver.url}/all`, { events, secret: 'geheim 🦊', description: 'd' })
  await make(opened, `${receiver.url}/none`, { status: 'DISABLED' })
  await make(opened, `${receiver.url}/other`, { events: [eventOf('budget_policy.exceeded')] })
  const prompt = { 'mlflow.prompt.is_prompt': 'true' }
  await transact(db, async (trx) => {
    await createModel(trx, actor, { name: 'm', tags: { a: 'b' }, description: 'ü' })
    await setModelTag(trx, actor, { name: 'm', key: 'k', value: 'told to nobody' })
    await registerSource(trx, actor, source('m', { runId: 'r', tags: { x: 'y' } }))
    const id = { model: 'm', version: 1 }
    await setVersionTag(trx, actor, { ...id, key: 'k', value: 'v' })
    await removeVersionTag(trx, actor, { ...id, key: 'k' })
    await moveAlias(trx, actor, { ...id, alias: 'best', expected: null, reason: 'test' })
    await createModel(trx, actor, { name: 'p', tags: { ...prompt, team: 'ops' } })
    const text = { ...prompt, 'mlflow.prompt.text': 'Hello {{you}}', _mlflow_prompt_type: 'text', lang: 'en' }
    await registerSource(trx, actor, source('p', { source: 'prompt-template', tags: text, description: 'first' }))
    await setModelTag(trx, actor, { name: 'p', key: 'k', value: 'v' })
    await moveAlias(trx, actor, { model: 'p', version: 1, alias: 'live', expected: null, reason: 'test' })
  })
  await expect.poll(() => receiver.received.length, { timeout: 60_000 }).toBe(9)
  const told = receiver.received.map(({ body }) => JSON.parse(body))
  const dataOf = (entity: string, action: string) =>
    told.filter((each) => each.entity === entity && each.action === action).map(({ data }) => data)
  expect(dataOf('registered_model', 'created')).toEqual([{ name: 'm', tags: { a: 'b' }, description: 'ü' }])
  expect(dataOf('model_version', 'created')).toEqual([
    { name: 'm', version: '1', source: 's3://b/x', run_id: 'r', tags: { x: 'y' }, description: null },
  ])
  expect(dataOf('model_version_tag', 'set')).toEqual([{ name: 'm', version: '1', key: 'k', value: 'v' }])
  expect(dataOf('model_version_tag', 'deleted')).toEqual([{ name: 'm', version: '1', key: 'k' }])
  expect(dataOf('model_version_alias', 'created')).toEqual([{ name: 'm', alias: 'best', version: '1' }])
  expect(dataOf('prompt', 'created')).toEqual([{ name: 'p', tags: { team: 'ops' }, description: '' }])
  expect(dataOf('prompt_version', 'created')).toEqual([
    { name: 'p', version: '1', template: 'Hello {{you}}', tags: { lang: 'en' }, description: 'first' },
  ])
  expect(dataOf('prompt_tag', 'set')).toEqual([{ name: 'p', key: 'k', value: 'v' }])
  expect(dataOf('prompt_alias', 'created')).toEqual([{ name: 'p', alias: 'live', version: '1' }])
  expect(told[0].timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/v)
  expect(new Set(receiver.received.map(({ path }) => path))).toEqual(new Set(['/all']))
  expect(receiver.received.every((each) => isSigned(each, 'geheim 🦊'))).toBe(true)
  expect(receiver.received.some((each) => isSigned(each, 'other'))).toBe(false)
  expect(new Set(receiver.received.map(({ headers }) => headers['x-mlflow-delivery-id'])).size).toBe(9)
})

test('a receiver that has a bad moment is told again, under the same delivery; one that refuses is not', async () => {
  await using receiver = await listen((received) => {
    const { path } = received.at(-1)!
    if (path === '/refuses') return 400
    return received.filter((each) => each.path === path).length === 1 ? 503 : 204
  })
  await using opened = await open()
  await make(opened, `${receiver.url}/tired`)
  await make(opened, `${receiver.url}/refuses`)
  await transact(opened.db, (trx) => createModel(trx, actor, { name: 'm' }))
  await expect.poll(() => receiver.received.length, { timeout: 60_000 }).toBe(3)
  const tired = receiver.received.filter(({ path }) => path === '/tired')
  expect(new Set(tired.map(({ headers }) => headers['x-mlflow-delivery-id'])).size).toBe(1)
  expect(tired[0]!.headers['x-mlflow-signature']).toBeUndefined()
  const jobs = () =>
    on(opened.db).selectFrom('job').select(['state', 'attempt', 'last_error']).orderBy('state').execute()
  // An answer that was given is not written down yet.
  await expect
    .poll(jobs, { timeout: 60_000 })
    .toMatchObject([{ state: 'done' }, { state: 'failed', attempt: 1, last_error: 'answered 400' }])
})

test('what is not public is refused when the webhook is made, when it is tested and when it is told', async () => {
  await using receiver = await listen()
  await using opened = await open(strict)
  const refusal = async (url: string, fields = {}) =>
    (await opened.call('POST', 'webhooks', { name: 'h', url, events: [eventOf('prompt.created')], ...fields })).json
      .message
  expect(await refusal('http://example.org/')).toBe("Invalid webhook URL scheme: 'http'. Allowed schemes are: https.")
  expect(await refusal('file:///etc/passwd')).toContain("Invalid webhook URL scheme: 'file'")
  expect(await refusal('https://')).toContain('must include a hostname')
  for (const host of [
    '127.0.0.1',
    'localhost',
    '[::1]',
    '10.0.0.1',
    '169.254.169.254',
    '[::ffff:10.0.0.1]',
    '0x7f.1',
  ]) {
    expect(await refusal(`https://${host}/x`)).toContain('must not resolve to a non-public IP address')
  }
  // As if the name had meant a public address when the webhook was made.
  const sealed = { name: 'h', description: '', url: receiver.url, is_active: 1, secret: null }
  await transact(opened.db, async (trx) => {
    await on(trx)
      .insertInto('webhook')
      .values({ id: 'whk_1', ...sealed, created_at_ms: 1, updated_at_ms: 1 })
      .execute()
    await on(trx)
      .insertInto('webhook_event')
      .values({ webhook_id: 'whk_1', event: 'registered_model.created', position: 0 })
      .execute()
  })
  const tried = await opened.call('POST', 'webhooks/whk_1/test')
  expect(tried.json.result).toEqual({
    success: false,
    error_message: 'Failed to test webhook: 127.0.0.1 is not a public IP address',
  })
  await transact(opened.db, (trx) => createModel(trx, actor, { name: 'm' }))
  const states = () => on(opened.db).selectFrom('job').select(['state', 'last_error']).execute()
  await expect
    .poll(states, { timeout: 60_000 })
    .toEqual([{ state: 'failed', last_error: '127.0.0.1 is not a public address' }])
  expect(receiver.received).toEqual([])
})

test('webhooks are made, listed in pages, changed, tried and deleted; no answer and no row holds a secret', async () => {
  await using receiver = await listen()
  await using opened = await open()
  const { call, db } = opened
  const first = await make(opened, receiver.url, { secret: 'geheim', description: 'd' })
  const second = await make(opened, `${receiver.url}/2`, { events: ['prompt_tag.set', 'prompt.created'].map(eventOf) })
  const shown = await call('GET', `webhooks/${second}`)
  expect(shown.json.webhook).toMatchObject({
    webhook_id: second,
    name: 'hook',
    status: 'ACTIVE',
    events: [
      { entity: 'PROMPT_TAG', action: 'SET' },
      { entity: 'PROMPT', action: 'CREATED' },
    ],
  })
  const page = await call('GET', 'webhooks', { max_results: 1 })
  expect(page.json.webhooks).toMatchObject([{ webhook_id: second }])
  const rest = await call('GET', 'webhooks', { max_results: 1, page_token: page.json.next_page_token })
  expect(rest.json).toMatchObject({ webhooks: [{ webhook_id: first, description: 'd' }] })
  expect(rest.json.next_page_token).toBeUndefined()
  const changed = await call('PATCH', `webhooks/${first}`, { name: 'New', description: '', status: 'DISABLED' })
  expect(changed.json.webhook).toMatchObject({ name: 'New', status: 'DISABLED', url: receiver.url })
  expect(changed.json.webhook.description).toBeUndefined()
  const tried = await call('POST', `webhooks/${first}/test`)
  expect(tried.json.result).toEqual({ success: true, response_status: 200, response_body: 'heard' })
  expect(isSigned(receiver.received[0]!, 'geheim')).toBe(true)
  await call('PATCH', `webhooks/${first}`, { secret: '' })
  await call('POST', `webhooks/${first}/test`, { event: eventOf('model_version.created') })
  expect(receiver.received[1]!.headers['x-mlflow-signature']).toBeUndefined()
  expect(JSON.parse(receiver.received[1]!.body)).toMatchObject({ entity: 'model_version', data: { version: '1' } })
  const rows = JSON.stringify([shown, page, rest, changed, await on(db).selectFrom('webhook').selectAll().execute()])
  expect(rows + JSON.stringify(await listAudit(db, { limit: 20 }))).not.toContain('geheim')
  expect(await call('DELETE', `webhooks/${first}`)).toEqual({ status: 200, json: {} })
  expect(await call('GET', `webhooks/${first}`)).toEqual({
    status: 404,
    json: expect.objectContaining({
      error_code: 'RESOURCE_DOES_NOT_EXIST',
      message: `Webhook with ID ${first} not found.`,
    }),
  })
  expect((await listAudit(db, { subject: first, limit: 9 })).map(({ action }) => action)).toEqual([
    'webhook.delete',
    'webhook.change',
    'webhook.change',
    'webhook.create',
  ])
})

test.each([
  [{ name: '-x' }, "Webhook name '-x' is invalid."],
  [{ name: 'x'.repeat(64) }, 'must start and end with a letter or digit'],
  [
    { events: [{ entity: 'PROMPT', action: 'DELETED' }] },
    "Invalid action 'deleted' for entity 'prompt'. Valid actions are: ['created']",
  ],
  [{ events: [] }, 'Webhook events must be a non-empty list of WebhookEvent objects: [].'],
  [{ url: ' ' }, 'Webhook URL cannot be empty or just whitespace'],
  [{ url: 'http://no such host/' }, 'Webhook URL must include a hostname'],
])('a webhook with %j is refused', async (fields, message) => {
  await using opened = await open()
  const whole = { name: 'h', url: 'http://127.0.0.1/', events: [eventOf('prompt.created')], ...fields }
  const { status, json } = await opened.call('POST', 'webhooks', whole)
  expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
  expect(json.message).toContain(message)
})
