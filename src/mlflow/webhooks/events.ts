// What webhooks are told: the registry's events in the form that MLflow's server gives them, and an example of each.
import { z } from 'zod'
import type { WebhookEvent } from '../../governance/webhook.ts'
import { promptTag, promptTextTag } from '../../models/model.ts'
import type { StoredEvent } from '../../platform/events.ts'

export interface WebhookMessage {
  readonly event: WebhookEvent
  readonly data: Readonly<Record<string, unknown>>
}

/** Of prompts; a prompt's text has a place of its own in what is told. */
const ownTags = new Set([promptTag, '_mlflow_prompt_type', promptTextTag])

const Tags = z.record(z.string(), z.string())
const ModelCreated = z.object({
  model: z.string(),
  description: z.string().nullable(),
  tags: Tags,
  prompt: z.boolean(),
})
const VersionRegistered = ModelCreated.extend({
  version: z.int(),
  source: z.string().nullable(),
  runId: z.string().nullable(),
})
const ModelTag = z.object({ model: z.string(), key: z.string(), value: z.string().optional(), prompt: z.boolean() })
const VersionTag = ModelTag.extend({ version: z.int() })
const AliasMoved = z.object({ model: z.string(), alias: z.string(), to: z.int().nullable(), prompt: z.boolean() })

type Translate = (payload: unknown) => WebhookMessage | undefined

const withoutOwn = (tags: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !ownTags.has(key)))

const translations: Readonly<Record<string, Translate>> = {
  'model.created'(payload) {
    const { model: name, tags, description, prompt } = ModelCreated.parse(payload)
    if (!prompt) return { event: 'registered_model.created', data: { name, tags, description } }
    return { event: 'prompt.created', data: { name, tags: withoutOwn(tags), description } }
  },
  'model.version_registered'(payload) {
    const { model: name, version, source, runId, tags, prompt, ...words } = VersionRegistered.parse(payload)
    const common = { name, version: String(version) }
    const description = words.description || null
    if (prompt) {
      const data = { ...common, template: tags[promptTextTag] ?? null, tags: withoutOwn(tags), description }
      return { event: 'prompt_version.created', data }
    }
    const own = `trueloop:/models/${name}/versions/${version}`
    const data = { ...common, source: source ?? own, run_id: runId, tags, description }
    return { event: 'model_version.created', data }
  },
  // Of models themselves, MLflow tells no tags.
  'model.tag_set'(payload) {
    const { model: name, key, value, prompt } = ModelTag.parse(payload)
    return prompt ? { event: 'prompt_tag.set', data: { name, key, value } } : undefined
  },
  'model.tag_deleted'(payload) {
    const { model: name, key, prompt } = ModelTag.parse(payload)
    return prompt ? { event: 'prompt_tag.deleted', data: { name, key } } : undefined
  },
  'model_version.tag_set'(payload) {
    const { model: name, version, key, value, prompt } = VersionTag.parse(payload)
    const data = { name, version: String(version), key, value }
    return { event: prompt ? 'prompt_version_tag.set' : 'model_version_tag.set', data }
  },
  'model_version.tag_deleted'(payload) {
    const { model: name, version, key, prompt } = VersionTag.parse(payload)
    const data = { name, version: String(version), key }
    return { event: prompt ? 'prompt_version_tag.deleted' : 'model_version_tag.deleted', data }
  },
  'alias.moved'(payload) {
    const { model: name, alias, to, prompt } = AliasMoved.parse(payload)
    if (to === null)
      return { event: prompt ? 'prompt_alias.deleted' : 'model_version_alias.deleted', data: { name, alias } }
    const data = { name, alias, version: String(to) }
    return { event: prompt ? 'prompt_alias.created' : 'model_version_alias.created', data }
  },
}

export const toldEventTypes: readonly string[] = Object.keys(translations)

/** Undefined for what MLflow tells nobody. */
export const messageOfEvent = ({ type, payload }: StoredEvent): WebhookMessage | undefined =>
  translations[type]?.(payload)

const tags = { example_key: 'example_value' }
const tagged = { key: 'example_key', value: 'example_value' }
const model = { name: 'example_model', version: '1' }
const prompt = { name: 'example_prompt', version: '1' }

/** What a test of a webhook sends: MLflow's own examples. */
export const exampleData: Readonly<Record<WebhookEvent, WebhookMessage['data']>> = {
  'registered_model.created': { name: model.name, tags, description: 'An example registered model' },
  'model_version.created': {
    ...model,
    source: 'models:/123',
    run_id: 'abcd1234abcd5678',
    tags,
    description: 'An example model version',
  },
  'model_version_tag.set': { ...model, ...tagged },
  'model_version_tag.deleted': { ...model, key: tagged.key },
  'model_version_alias.created': { name: model.name, alias: 'example_alias', version: model.version },
  'model_version_alias.deleted': { name: model.name, alias: 'example_alias' },
  'prompt.created': { name: prompt.name, tags, description: 'An example prompt' },
  'prompt_version.created': { ...prompt, template: 'Hello {{name}}!', tags, description: 'An example prompt version' },
  'prompt_tag.set': { name: prompt.name, ...tagged },
  'prompt_tag.deleted': { name: prompt.name, key: tagged.key },
  'prompt_version_tag.set': { ...prompt, ...tagged },
  'prompt_version_tag.deleted': { ...prompt, key: tagged.key },
  'prompt_alias.created': { name: prompt.name, alias: 'example_alias', version: prompt.version },
  'prompt_alias.deleted': { name: prompt.name, alias: 'example_alias' },
  'budget_policy.exceeded': {
    budget_policy_id: 'bp-abc123',
    budget_unit: 'USD',
    budget_amount: 100,
    current_spend: 105.5,
    duration_unit: 'MONTHS',
    duration_value: 1,
    target_scope: 'ENDPOINT',
    workspace: 'default',
    target_value: 'ep-abc123',
    window_start: 1_704_067_200_000,
  },
}
