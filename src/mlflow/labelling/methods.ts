// All of MLflow's methods of labelling.
import type { LabellingWriteTables } from '../../labelling/evaluation-datasets.ts'
import type { IssueTables } from '../../labelling/issues.ts'
import type { ReviewTables } from '../../labelling/review-items.ts'
import type { Connection } from '../../platform/database.ts'
import type { Methods } from '../method.ts'
import { datasetMethods } from './dataset-methods.ts'
import { issueMethods } from './issue-methods.ts'
import { labelSchemaMethods } from './label-schema-methods.ts'
import { reviewMethods } from './review-methods.ts'
import { scorerMethods } from './scorer-methods.ts'

export interface LabellingDeps {
  readonly db: Connection<LabellingWriteTables & IssueTables & ReviewTables>
}

export const labellingMethods: Methods<LabellingDeps> = {
  ...datasetMethods,
  ...scorerMethods,
  ...issueMethods,
  ...labelSchemaMethods,
  ...reviewMethods,
}
