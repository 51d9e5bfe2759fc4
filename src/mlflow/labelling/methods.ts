// All of MLflow's methods of labelling.
import { assertUnscoped } from '../../experiments/write-scope.ts'
import type { LabellingWriteTables } from '../../labelling/evaluation-datasets.ts'
import type { IssueTables } from '../../labelling/issues.ts'
import type { ReviewTables } from '../../labelling/review-items.ts'
import type { Connection } from '../../platform/database.ts'
import type { MethodName } from '../generated/messages.ts'
import type { Method, Methods } from '../wire/method.ts'
import { datasetMethods } from './dataset-methods.ts'
import { issueMethods } from './issue-methods.ts'
import { labelSchemaMethods } from './label-schema-methods.ts'
import { reviewMethods } from './review-methods.ts'
import { scorerMethods } from './scorer-methods.ts'

export interface LabellingDeps {
  readonly db: Connection<LabellingWriteTables & IssueTables & ReviewTables>
}

type AnyMethod = Method<LabellingDeps, MethodName>

/** A token that is bound to a run writes nothing here: what people label is no part of it. */
function unscoped({ permission, handle }: AnyMethod): AnyMethod {
  if (permission !== 'run.write') return { permission, handle }
  return {
    permission,
    async handle(deps, call) {
      assertUnscoped(call.caller)
      return handle(deps, call)
    },
  }
}

const all: Methods<LabellingDeps> = {
  ...datasetMethods,
  ...scorerMethods,
  ...issueMethods,
  ...labelSchemaMethods,
  ...reviewMethods,
}

export const labellingMethods = Object.fromEntries(
  Object.entries(all).map(([name, method]) => [name, unscoped(method as AnyMethod)]),
) as Methods<LabellingDeps>
