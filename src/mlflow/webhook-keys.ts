// The keys of webhooks' secrets when they move between this home and an MLflow server.
import type { SealingKey } from '../platform/sealing.ts'
import type { FernetKey } from './exchange/fernet.ts'

export { fernetKey } from './exchange/fernet.ts'

export interface WebhookKeys {
  /** What the MLflow server seals with (`MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY`), if it is known. */
  readonly theirs: FernetKey | undefined
  /** What this home seals with. */
  readonly ours: SealingKey
}
