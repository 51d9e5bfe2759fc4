// All of MLflow's registry.
import type { Methods } from '../wire/method.ts'
import { aliasMethods } from './alias-methods.ts'
import type { RegistryDeps } from './deps.ts'
import { registeredModelMethods } from './model-methods.ts'
import { registrySearchMethods } from './search-methods.ts'
import { modelVersionMethods } from './version-methods.ts'

export const registryMethods: Methods<RegistryDeps> = {
  ...registeredModelMethods,
  ...modelVersionMethods,
  ...aliasMethods,
  ...registrySearchMethods,
}
