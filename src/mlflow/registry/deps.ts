// What the methods of the registry are given.
import type { ExperimentTables } from '../../experiments/tables.ts'
import type { LoggedModelWriteTables } from '../../experiments/logged-models.ts'
import type { ModelUses } from '../../models/registered-models.ts'
import type { RegistryTables } from '../../models/registry-tables.ts'
import type { Connection } from '../../platform/database.ts'
import type { Reader } from '../../platform/reader.ts'
import type { LocationRules } from '../tracking/artifact-location.ts'

export type SourceTables = ExperimentTables & LoggedModelWriteTables

export type RegistryMethodTables = RegistryTables & SourceTables

export interface RegistryDeps {
  readonly db: Connection<RegistryMethodTables>
  readonly reader: Reader
  readonly uses: ModelUses
  readonly locations: Pick<LocationRules, 'artifactRoot' | 'allowedSchemes'>
  /** What a version's source must hold, if anything (`MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX`). */
  readonly sourcePattern: RegExp | undefined
}
