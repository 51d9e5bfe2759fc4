// All of MLflow's methods of traces.
import type { Methods } from '../wire/method.ts'
import { assessmentMethods } from './assessment-methods.ts'
import type { TraceDeps } from './deps.ts'
import { legacyTraceMethods } from './legacy-methods.ts'
import { traceMetricMethods } from './metric-methods.ts'
import { traceSearchMethods } from './search-methods.ts'
import { traceDeletionMethods, traceMethods, traceTagMethods } from './trace-methods.ts'

export const allTraceMethods: Methods<TraceDeps> = {
  ...traceMethods,
  ...traceTagMethods,
  ...traceDeletionMethods,
  ...traceSearchMethods,
  ...traceMetricMethods,
  ...assessmentMethods,
  ...legacyTraceMethods,
}
