// Methods of MLflow's API that are deliberately not served: why, and what to use instead.
import { MlflowError, type ErrorCode } from './wire/errors.ts'
import type { MethodName } from './generated/messages.ts'
import type { BoundMethods } from './rpc.ts'

interface Absence {
  /** A sentence for users. */
  readonly reason: string
  readonly code: ErrorCode
  readonly status: number
}

const notImplemented = (reason: string): Absence => ({ reason, code: 'NOT_IMPLEMENTED', status: 501 })

const gateway = notImplemented(
  'There is no gateway to language models here: keep the credentials where your code runs and call the provider from there, or run a gateway of its own beside this server.',
)
const optimization = notImplemented(
  'Prompt optimization runs Python and models, and this server runs neither: call mlflow.genai.optimize_prompts() where your code runs; its results are logged here.',
)
/** As MLflow's server answers without `--enable-workspaces`. */
const workspaces: Absence = {
  reason:
    'This endpoint is disabled because the server is running without workspaces support: run a server with a home of its own for each team.',
  code: 'FEATURE_DISABLED',
  status: 503,
}
/** As MLflow's own server answers. */
const databricks: Absence = {
  reason: 'Only Databricks has this method: search traces by 3.0/mlflow/traces/search.',
  code: 'ENDPOINT_NOT_FOUND',
  status: 404,
}

const each = (absence: Absence, names: readonly MethodName[]): Partial<Record<MethodName, Absence>> =>
  Object.fromEntries(names.map((name) => [name, absence]))

export const absentMethods: Readonly<Partial<Record<MethodName, Absence>>> = {
  ...each(workspaces, ['listWorkspaces', 'createWorkspace', 'getWorkspace', 'updateWorkspace', 'deleteWorkspace']),
  ...each(gateway, [
    'createGatewaySecret',
    'getGatewaySecretInfo',
    'updateGatewaySecret',
    'deleteGatewaySecret',
    'createGatewayEndpoint',
    'getGatewayEndpoint',
    'updateGatewayEndpoint',
    'deleteGatewayEndpoint',
    'createGatewayModelDefinition',
    'getGatewayModelDefinition',
    'updateGatewayModelDefinition',
    'deleteGatewayModelDefinition',
    'attachModelToEndpoint',
    'detachModelFromEndpoint',
    'createEndpointBinding',
    'deleteEndpointBinding',
    'setGatewayEndpointTag',
    'deleteGatewayEndpointTag',
    'createBudgetPolicy',
    'getBudgetPolicy',
    'updateBudgetPolicy',
    'deleteBudgetPolicy',
    'createGatewayGuardrail',
    'getGatewayGuardrail',
    'deleteGatewayGuardrail',
    'addGuardrailToEndpoint',
    'removeGuardrailFromEndpoint',
    'updateEndpointGuardrailConfig',
  ]),
  ...each(optimization, [
    'createPromptOptimizationJob',
    'getPromptOptimizationJob',
    'cancelPromptOptimizationJob',
    'deletePromptOptimizationJob',
  ]),
  ...each(databricks, ['searchUnifiedTraceHandler', 'getOnlineTraceDetails']),
}

/** Lists of what there can be none of: pages of the console ask for them, and none is the truth. */
export const emptyLists: readonly MethodName[] = [
  'listGatewaySecretInfos',
  'listGatewayEndpoints',
  'listGatewayModelDefinitions',
  'listEndpointBindings',
  'listBudgetPolicies',
  'listBudgetWindows',
  'listGatewayGuardrails',
  'listEndpointGuardrailConfigs',
  'searchPromptOptimizationJobs',
]

/** Answers of methods that are absent: the reason, or an empty list. */
export function absentAnswers(): BoundMethods {
  const refusals = Object.entries(absentMethods).map(([name, { code, reason, status }]) => [
    name,
    {
      permission: 'run.read' as const,
      handle: async () => {
        throw new MlflowError(code, reason, status)
      },
    },
  ])
  const lists = emptyLists.map((name) => [name, { permission: 'run.read' as const, handle: async () => ({}) }])
  return Object.fromEntries([...refusals, ...lists]) as BoundMethods
}
