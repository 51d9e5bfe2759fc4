// What MLflow's clients show a server, under the names that their users know: for reading one.
import { processEnvironment } from './config.ts'

export interface MlflowCredentials {
  readonly token: string | undefined
  readonly user: string | undefined
  readonly password: string | undefined
}

/** Set to nothing is not set. */
export function mlflowCredentials(): MlflowCredentials {
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: user,
    MLFLOW_TRACKING_PASSWORD: password,
  } = processEnvironment()
  return { token: token || undefined, user: user || undefined, password: password || undefined }
}
