// The tables that a change of the registry writes.
import type { AuditTables } from '../governance/audit.ts'
import type { LineageTables } from '../governance/lineage.ts'
import type { EventTables } from '../platform/events.ts'
import type { AliasTables } from './alias-store.ts'
import type { ModelTables } from './model-store.ts'
import type { ModelVersionTables } from './model-version-store.ts'

export interface RegistryTables
  extends ModelTables, ModelVersionTables, AliasTables, AuditTables, EventTables, LineageTables {}
