// What webhooks are given: who may be told, and how it is signed.
import type { AuditTables } from '../../governance/audit.ts'
import type { WebhookTables } from '../../governance/webhook-store.ts'
import type { AllowedAddresses } from '../../platform/addresses.ts'
import type { Connection } from '../../platform/database.ts'
import type { Clock } from '../../platform/clock.ts'
import type { SealingKey } from '../../platform/sealing.ts'

export interface WebhookRules {
  /** Of URLs (`MLFLOW_WEBHOOK_ALLOWED_SCHEMES`). */
  readonly schemes: readonly string[]
  /** What may be reached although it is not public. */
  readonly allow: AllowedAddresses
  /** Of one attempt. */
  readonly timeoutMs: number
  /** Attempts after the first. */
  readonly retriesMax: number
}

export interface WebhookDeps {
  readonly db: Connection<WebhookTables & AuditTables>
  readonly clock: Clock
  readonly rules: WebhookRules
  /** Of the secrets. */
  readonly key: SealingKey
}
