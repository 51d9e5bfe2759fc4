// What a webhook is: a URL that is told of changes of the registry. Its secret signs what is sent, and is told to nobody. Pure.
import { DomainError } from '../platform/errors.ts'

/** What can happen to what: `registered_model.created`. In MLflow's words, since its clients subscribe by them. */
export const webhookEvents = [
  'registered_model.created',
  'model_version.created',
  'model_version_tag.set',
  'model_version_tag.deleted',
  'model_version_alias.created',
  'model_version_alias.deleted',
  'prompt.created',
  'prompt_version.created',
  'prompt_tag.set',
  'prompt_tag.deleted',
  'prompt_version_tag.set',
  'prompt_version_tag.deleted',
  'prompt_alias.created',
  'prompt_alias.deleted',
  'budget_policy.exceeded',
] as const
export type WebhookEvent = (typeof webhookEvents)[number]

export interface Webhook {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly url: string
  /** As they were given. */
  readonly events: readonly WebhookEvent[]
  readonly isActive: boolean
  readonly hasSecret: boolean
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export const webhookNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'webhook_not_found', `there is no webhook ${id}`, { id })
