// The keys of webhooks' secrets: this home's, and that of the MLflow server on the other side.
import type { Config } from '../../app/config.ts'
import { loadSecrets } from '../../app/home.ts'
import { webhookKey } from '../../app/webhooks.ts'
import { fernetKey, type WebhookKeys } from '../../mlflow/webhook-keys.ts'

export const webhookKeys = ({ home, mlflow }: Config): WebhookKeys => ({
  theirs: fernetKey(mlflow.webhooks.encryptionKey ?? ''),
  ours: webhookKey(mlflow, loadSecrets(home)),
})
