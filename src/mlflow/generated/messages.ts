// MLflow 3.17.2's wire contract, written by scripts/mlflow-contract.py: not to be edited by hand.

/** A number where that is exact, else a bigint. */
export type Int64 = number | bigint
/** JSON has no NaN and no infinities. */
export type Double = number | 'NaN' | 'Infinity' | '-Infinity'
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export type AggregationType = 'COUNT' | 'SUM' | 'AVG' | 'PERCENTILE' | 'MIN' | 'MAX'
export type AssessmentSourceSourceType = 'SOURCE_TYPE_UNSPECIFIED' | 'HUMAN' | 'LLM_JUDGE' | 'CODE'
export type BudgetAction = 'BUDGET_ACTION_UNSPECIFIED' | 'ALERT' | 'REJECT'
export type BudgetDurationUnit = 'DURATION_UNIT_UNSPECIFIED' | 'MINUTES' | 'HOURS' | 'DAYS' | 'WEEKS' | 'MONTHS'
export type BudgetTargetScope = 'TARGET_SCOPE_UNSPECIFIED' | 'GLOBAL' | 'WORKSPACE' | 'ENDPOINT' | 'USER'
export type BudgetUnit = 'BUDGET_UNIT_UNSPECIFIED' | 'USD'
export type DatasetRecordSourceSourceType = 'SOURCE_TYPE_UNSPECIFIED' | 'TRACE' | 'HUMAN' | 'DOCUMENT' | 'CODE'
export type DeploymentJobConnectionState =
  | 'DEPLOYMENT_JOB_CONNECTION_STATE_UNSPECIFIED'
  | 'NOT_SET_UP'
  | 'CONNECTED'
  | 'NOT_FOUND'
  | 'REQUIRED_PARAMETERS_CHANGED'
export type FallbackStrategy = 'FALLBACK_STRATEGY_UNSPECIFIED' | 'SEQUENTIAL'
export type GatewayModelLinkageType = 'LINKAGE_TYPE_UNSPECIFIED' | 'PRIMARY' | 'FALLBACK'
export type GuardrailAction = 'GUARDRAIL_ACTION_UNSPECIFIED' | 'VALIDATION' | 'SANITIZATION'
export type GuardrailStage = 'GUARDRAIL_STAGE_UNSPECIFIED' | 'BEFORE' | 'AFTER'
export type JobStatus =
  | 'JOB_STATUS_UNSPECIFIED'
  | 'JOB_STATUS_PENDING'
  | 'JOB_STATUS_IN_PROGRESS'
  | 'JOB_STATUS_COMPLETED'
  | 'JOB_STATUS_FAILED'
  | 'JOB_STATUS_CANCELED'
  | 'JOB_STATUS_NEEDS_RECOVERY'
export type LabelSchemaType = 'LABEL_SCHEMA_TYPE_UNSPECIFIED' | 'FEEDBACK' | 'EXPECTATION'
export type LoggedModelStatus =
  | 'LOGGED_MODEL_STATUS_UNSPECIFIED'
  | 'LOGGED_MODEL_PENDING'
  | 'LOGGED_MODEL_READY'
  | 'LOGGED_MODEL_UPLOAD_FAILED'
export type MetricViewType = 'TRACES' | 'SPANS' | 'ASSESSMENTS'
export type ModelVersionDeploymentJobStateDeploymentJobRunState =
  | 'DEPLOYMENT_JOB_RUN_STATE_UNSPECIFIED'
  | 'NO_VALID_DEPLOYMENT_JOB_FOUND'
  | 'RUNNING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'PENDING'
  | 'APPROVAL'
export type ModelVersionStatus = 'PENDING_REGISTRATION' | 'FAILED_REGISTRATION' | 'READY'
export type OptimizerType = 'OPTIMIZER_TYPE_UNSPECIFIED' | 'OPTIMIZER_TYPE_GEPA' | 'OPTIMIZER_TYPE_METAPROMPT'
export type ReviewItemType = 'REVIEW_ITEM_TYPE_UNSPECIFIED' | 'TRACE'
export type ReviewQueueType = 'REVIEW_QUEUE_TYPE_UNSPECIFIED' | 'USER' | 'CUSTOM'
export type ReviewStatus = 'REVIEW_STATUS_UNSPECIFIED' | 'PENDING' | 'COMPLETE' | 'DECLINED'
export type RoutingStrategy = 'ROUTING_STRATEGY_UNSPECIFIED' | 'REQUEST_BASED_TRAFFIC_SPLIT'
export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'
export type SpanSpanKind =
  | 'SPAN_KIND_UNSPECIFIED'
  | 'SPAN_KIND_INTERNAL'
  | 'SPAN_KIND_SERVER'
  | 'SPAN_KIND_CLIENT'
  | 'SPAN_KIND_PRODUCER'
  | 'SPAN_KIND_CONSUMER'
export type StatusStatusCode = 'STATUS_CODE_UNSET' | 'STATUS_CODE_OK' | 'STATUS_CODE_ERROR'
export type TraceInfoV3State = 'STATE_UNSPECIFIED' | 'OK' | 'ERROR' | 'IN_PROGRESS'
export type TraceLocationTraceLocationType = 'TRACE_LOCATION_TYPE_UNSPECIFIED' | 'MLFLOW_EXPERIMENT' | 'INFERENCE_TABLE'
export type TraceStatus = 'TRACE_STATUS_UNSPECIFIED' | 'OK' | 'ERROR' | 'IN_PROGRESS'
export type ViewType = 'ACTIVE_ONLY' | 'DELETED_ONLY' | 'ALL'
export type WebhookAction = 'ACTION_UNSPECIFIED' | 'CREATED' | 'UPDATED' | 'DELETED' | 'SET' | 'EXCEEDED'
export type WebhookEntity =
  | 'ENTITY_UNSPECIFIED'
  | 'REGISTERED_MODEL'
  | 'MODEL_VERSION'
  | 'MODEL_VERSION_TAG'
  | 'MODEL_VERSION_ALIAS'
  | 'PROMPT'
  | 'PROMPT_VERSION'
  | 'PROMPT_TAG'
  | 'PROMPT_VERSION_TAG'
  | 'PROMPT_ALIAS'
  | 'BUDGET_POLICY'
export type WebhookStatus = 'ACTIVE' | 'DISABLED'

export interface AbortMultipartUpload {
  readonly path?: string | undefined
  readonly upload_id?: string | undefined
}

export interface AbortMultipartUploadResponse {}

export interface AddDatasetToExperiments {
  readonly dataset_id?: string | undefined
  readonly experiment_ids?: readonly string[] | undefined
}

export interface AddDatasetToExperimentsResponse {
  readonly dataset?: EvaluationDataset | undefined
}

export interface AddGuardrailToEndpoint {
  readonly endpoint_id?: string | undefined
  readonly guardrail_id?: string | undefined
  readonly execution_order?: Int64 | undefined
}

export interface AddGuardrailToEndpointResponse {
  readonly config?: GatewayGuardrailConfig | undefined
}

export interface AddItemsToReviewQueue {
  readonly queue_id?: string | undefined
  readonly item_type?: ReviewItemType | undefined
  readonly item_ids?: readonly string[] | undefined
}

export interface AddItemsToReviewQueueResponse {
  readonly items?: readonly ReviewQueueItem[] | undefined
}

export interface AnyValue {
  readonly string_value?: string | undefined
  readonly bool_value?: boolean | undefined
  readonly int_value?: Int64 | undefined
  readonly double_value?: Double | undefined
  readonly array_value?: ArrayValue | undefined
  readonly kvlist_value?: KeyValueList | undefined
  readonly bytes_value?: string | undefined
  readonly string_value_strindex?: number | undefined
}

export interface ArrayValue {
  readonly values?: readonly AnyValue[] | undefined
}

export interface Assessment {
  readonly assessment_id?: string | undefined
  readonly assessment_name?: string | undefined
  readonly trace_id?: string | undefined
  readonly span_id?: string | undefined
  readonly source?: AssessmentSource | undefined
  readonly create_time?: string | undefined
  readonly last_update_time?: string | undefined
  readonly feedback?: Feedback | undefined
  readonly expectation?: Expectation | undefined
  readonly issue?: IssueReference | undefined
  readonly rationale?: string | undefined
  readonly error?: AssessmentError | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly overrides?: string | undefined
  readonly valid?: boolean | undefined
}

export interface AssessmentError {
  readonly error_code?: string | undefined
  readonly error_message?: string | undefined
  readonly stack_trace?: string | undefined
}

export interface AssessmentSource {
  readonly source_type?: AssessmentSourceSourceType | undefined
  readonly source_id?: string | undefined
}

export interface AttachModelToGatewayEndpoint {
  readonly endpoint_id?: string | undefined
  readonly model_config?: GatewayEndpointModelConfig | undefined
  readonly created_by?: string | undefined
}

export interface AttachModelToGatewayEndpointResponse {
  readonly mapping?: GatewayEndpointModelMapping | undefined
}

export interface BatchGetTraceInfos {
  readonly trace_ids?: readonly string[] | undefined
  readonly experiment_ids?: readonly string[] | undefined
}

export interface BatchGetTraceInfosResponse {
  readonly trace_infos?: readonly TraceInfoV3[] | undefined
}

export interface BatchGetTraces {
  readonly trace_ids?: readonly string[] | undefined
  readonly experiment_ids?: readonly string[] | undefined
}

export interface BatchGetTracesResponse {
  readonly traces?: readonly Trace[] | undefined
}

export interface BudgetDuration {
  readonly unit?: BudgetDurationUnit | undefined
  readonly value?: number | undefined
}

export interface CalculateTraceFilterCorrelation {
  readonly experiment_ids?: readonly string[] | undefined
  readonly filter_string1?: string | undefined
  readonly filter_string2?: string | undefined
  readonly base_filter?: string | undefined
}

export interface CalculateTraceFilterCorrelationResponse {
  readonly npmi?: Double | undefined
  readonly npmi_smoothed?: Double | undefined
  readonly filter1_count?: number | undefined
  readonly filter2_count?: number | undefined
  readonly joint_count?: number | undefined
  readonly total_count?: number | undefined
}

export interface CancelPromptOptimizationJob {
  readonly job_id?: string | undefined
}

export interface CancelPromptOptimizationJobResponse {
  readonly job?: PromptOptimizationJob | undefined
}

export interface CompleteMultipartUpload {
  readonly path?: string | undefined
  readonly upload_id?: string | undefined
  readonly parts?: readonly MultipartUploadPart[] | undefined
}

export interface CompleteMultipartUploadResponse {}

export interface CreateAssessment {
  readonly assessment?: Assessment | undefined
}

export interface CreateAssessmentResponse {
  readonly assessment?: Assessment | undefined
}

export interface CreateDataset {
  readonly name?: string | undefined
  readonly experiment_ids?: readonly string[] | undefined
  readonly source_type?: DatasetRecordSourceSourceType | undefined
  readonly source?: string | undefined
  readonly schema?: string | undefined
  readonly profile?: string | undefined
  readonly created_by?: string | undefined
  readonly tags?: string | undefined
}

export interface CreateDatasetResponse {
  readonly dataset?: EvaluationDataset | undefined
}

export interface CreateExperiment {
  readonly name?: string | undefined
  readonly artifact_location?: string | undefined
  readonly tags?: readonly ExperimentTag[] | undefined
}

export interface CreateExperimentResponse {
  readonly experiment_id?: string | undefined
}

export interface CreateGatewayBudgetPolicy {
  readonly budget_unit?: BudgetUnit | undefined
  readonly budget_amount?: Double | undefined
  readonly duration?: BudgetDuration | undefined
  readonly target_scope?: BudgetTargetScope | undefined
  readonly budget_action?: BudgetAction | undefined
  readonly created_by?: string | undefined
  readonly target_value?: string | undefined
}

export interface CreateGatewayBudgetPolicyResponse {
  readonly budget_policy?: GatewayBudgetPolicy | undefined
}

export interface CreateGatewayEndpoint {
  readonly name?: string | undefined
  readonly model_configs?: readonly GatewayEndpointModelConfig[] | undefined
  readonly created_by?: string | undefined
  readonly routing_strategy?: RoutingStrategy | undefined
  readonly fallback_config?: FallbackConfig | undefined
  readonly experiment_id?: string | undefined
  readonly usage_tracking?: boolean | undefined
}

export interface CreateGatewayEndpointBinding {
  readonly endpoint_id?: string | undefined
  readonly resource_type?: string | undefined
  readonly resource_id?: string | undefined
  readonly created_by?: string | undefined
}

export interface CreateGatewayEndpointBindingResponse {
  readonly binding?: GatewayEndpointBinding | undefined
}

export interface CreateGatewayEndpointResponse {
  readonly endpoint?: GatewayEndpoint | undefined
}

export interface CreateGatewayGuardrail {
  readonly name?: string | undefined
  readonly scorer_id?: string | undefined
  readonly scorer_version?: Int64 | undefined
  readonly stage?: GuardrailStage | undefined
  readonly action?: GuardrailAction | undefined
  readonly action_endpoint_id?: string | undefined
}

export interface CreateGatewayGuardrailResponse {
  readonly guardrail?: GatewayGuardrail | undefined
}

export interface CreateGatewayModelDefinition {
  readonly name?: string | undefined
  readonly secret_id?: string | undefined
  readonly provider?: string | undefined
  readonly model_name?: string | undefined
  readonly created_by?: string | undefined
}

export interface CreateGatewayModelDefinitionResponse {
  readonly model_definition?: GatewayModelDefinition | undefined
}

export interface CreateGatewaySecret {
  readonly secret_name?: string | undefined
  readonly secret_value?: Readonly<Record<string, string>> | undefined
  readonly provider?: string | undefined
  readonly auth_config?: Readonly<Record<string, string>> | undefined
  readonly created_by?: string | undefined
}

export interface CreateGatewaySecretResponse {
  readonly secret?: GatewaySecretInfo | undefined
}

export interface CreateIssue {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly status?: string | undefined
  readonly severity?: string | undefined
  readonly root_causes?: readonly string[] | undefined
  readonly source_run_id?: string | undefined
  readonly created_by?: string | undefined
  readonly categories?: readonly string[] | undefined
}

export interface CreateIssueResponse {
  readonly issue?: Issue | undefined
}

export interface CreateLabelSchema {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly type?: LabelSchemaType | undefined
  readonly input?: LabelSchemaInput | undefined
  readonly instruction?: string | undefined
  readonly enable_comment?: boolean | undefined
}

export interface CreateLabelSchemaResponse {
  readonly label_schema?: LabelSchema | undefined
}

export interface CreateLoggedModel {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly model_type?: string | undefined
  readonly source_run_id?: string | undefined
  readonly params?: readonly LoggedModelParameter[] | undefined
  readonly tags?: readonly LoggedModelTag[] | undefined
}

export interface CreateLoggedModelResponse {
  readonly model?: LoggedModel | undefined
}

export interface CreateModelVersion {
  readonly name?: string | undefined
  readonly source?: string | undefined
  readonly run_id?: string | undefined
  readonly tags?: readonly ModelVersionTag[] | undefined
  readonly run_link?: string | undefined
  readonly description?: string | undefined
  readonly model_id?: string | undefined
}

export interface CreateModelVersionResponse {
  readonly model_version?: ModelVersion | undefined
}

export interface CreateMultipartUpload {
  readonly path?: string | undefined
  readonly num_parts?: Int64 | undefined
}

export interface CreateMultipartUploadResponse {
  readonly upload_id?: string | undefined
  readonly credentials?: readonly MultipartUploadCredential[] | undefined
}

export interface CreatePresignedDownloadUrl {
  readonly run_id?: string | undefined
  readonly path?: string | undefined
  readonly expiration?: Int64 | undefined
}

export interface CreatePresignedDownloadUrlResponse {
  readonly presigned_url?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly file_size?: Int64 | undefined
}

export interface CreatePresignedUploadUrl {
  readonly run_id?: string | undefined
  readonly path?: string | undefined
  readonly expiration?: Int64 | undefined
  readonly model_id?: string | undefined
}

export interface CreatePresignedUploadUrlResponse {
  readonly presigned_url?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface CreatePromptOptimizationJob {
  readonly experiment_id?: string | undefined
  readonly source_prompt_uri?: string | undefined
  readonly config?: PromptOptimizationJobConfig | undefined
  readonly tags?: readonly PromptOptimizationJobTag[] | undefined
}

export interface CreatePromptOptimizationJobResponse {
  readonly job?: PromptOptimizationJob | undefined
}

export interface CreateRegisteredModel {
  readonly name?: string | undefined
  readonly tags?: readonly RegisteredModelTag[] | undefined
  readonly description?: string | undefined
  readonly deployment_job_id?: string | undefined
}

export interface CreateRegisteredModelResponse {
  readonly registered_model?: RegisteredModel | undefined
}

export interface CreateReviewQueue {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly queue_type?: ReviewQueueType | undefined
  readonly created_by?: string | undefined
  readonly users?: readonly string[] | undefined
  readonly schema_ids?: readonly string[] | undefined
}

export interface CreateReviewQueueResponse {
  readonly review_queue?: ReviewQueue | undefined
}

export interface CreateRun {
  readonly experiment_id?: string | undefined
  readonly user_id?: string | undefined
  readonly run_name?: string | undefined
  readonly start_time?: Int64 | undefined
  readonly tags?: readonly RunTag[] | undefined
}

export interface CreateRunResponse {
  readonly run?: Run | undefined
}

export interface CreateWebhook {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly url?: string | undefined
  readonly events?: readonly WebhookEvent[] | undefined
  readonly secret?: string | undefined
  readonly status?: WebhookStatus | undefined
}

export interface CreateWebhookResponse {
  readonly webhook?: Webhook | undefined
}

export interface CreateWorkspace {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly default_artifact_root?: string | undefined
  readonly trace_archival_config?: TraceArchivalConfig | undefined
}

export interface CreateWorkspaceResponse {
  readonly workspace?: Workspace | undefined
}

export interface Dataset {
  readonly name?: string | undefined
  readonly digest?: string | undefined
  readonly source_type?: string | undefined
  readonly source?: string | undefined
  readonly schema?: string | undefined
  readonly profile?: string | undefined
}

export interface DatasetInput {
  readonly tags?: readonly InputTag[] | undefined
  readonly dataset?: Dataset | undefined
}

export interface DatasetSummary {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly digest?: string | undefined
  readonly context?: string | undefined
}

export interface DeleteArtifact {}

export interface DeleteArtifactResponse {}

export interface DeleteAssessment {
  readonly trace_id?: string | undefined
  readonly assessment_id?: string | undefined
}

export interface DeleteAssessmentResponse {}

export interface DeleteDataset {
  readonly dataset_id?: string | undefined
}

export interface DeleteDatasetRecords {
  readonly dataset_id?: string | undefined
  readonly dataset_record_ids?: readonly string[] | undefined
}

export interface DeleteDatasetRecordsResponse {
  readonly deleted_count?: number | undefined
}

export interface DeleteDatasetResponse {}

export interface DeleteDatasetTag {
  readonly dataset_id?: string | undefined
  readonly key?: string | undefined
}

export interface DeleteDatasetTagResponse {}

export interface DeleteExperiment {
  readonly experiment_id?: string | undefined
}

export interface DeleteExperimentResponse {}

export interface DeleteExperimentTag {
  readonly experiment_id?: string | undefined
  readonly key?: string | undefined
}

export interface DeleteExperimentTagResponse {}

export interface DeleteGatewayBudgetPolicy {
  readonly budget_policy_id?: string | undefined
}

export interface DeleteGatewayBudgetPolicyResponse {}

export interface DeleteGatewayEndpoint {
  readonly endpoint_id?: string | undefined
}

export interface DeleteGatewayEndpointBinding {
  readonly endpoint_id?: string | undefined
  readonly resource_type?: string | undefined
  readonly resource_id?: string | undefined
}

export interface DeleteGatewayEndpointBindingResponse {}

export interface DeleteGatewayEndpointResponse {}

export interface DeleteGatewayEndpointTag {
  readonly endpoint_id?: string | undefined
  readonly key?: string | undefined
}

export interface DeleteGatewayEndpointTagResponse {}

export interface DeleteGatewayGuardrail {
  readonly guardrail_id?: string | undefined
}

export interface DeleteGatewayGuardrailResponse {}

export interface DeleteGatewayModelDefinition {
  readonly model_definition_id?: string | undefined
}

export interface DeleteGatewayModelDefinitionResponse {}

export interface DeleteGatewaySecret {
  readonly secret_id?: string | undefined
}

export interface DeleteGatewaySecretResponse {}

export interface DeleteLabelSchema {
  readonly schema_id?: string | undefined
}

export interface DeleteLabelSchemaResponse {}

export interface DeleteLoggedModel {
  readonly model_id?: string | undefined
}

export interface DeleteLoggedModelResponse {}

export interface DeleteLoggedModelTag {
  readonly model_id?: string | undefined
  readonly tag_key?: string | undefined
}

export interface DeleteLoggedModelTagResponse {}

export interface DeleteModelVersion {
  readonly name?: string | undefined
  readonly version?: string | undefined
}

export interface DeleteModelVersionResponse {}

export interface DeleteModelVersionTag {
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly key?: string | undefined
}

export interface DeleteModelVersionTagResponse {}

export interface DeletePromptOptimizationJob {
  readonly job_id?: string | undefined
}

export interface DeletePromptOptimizationJobResponse {}

export interface DeleteRegisteredModel {
  readonly name?: string | undefined
}

export interface DeleteRegisteredModelAlias {
  readonly name?: string | undefined
  readonly alias?: string | undefined
}

export interface DeleteRegisteredModelAliasResponse {}

export interface DeleteRegisteredModelResponse {}

export interface DeleteRegisteredModelTag {
  readonly name?: string | undefined
  readonly key?: string | undefined
}

export interface DeleteRegisteredModelTagResponse {}

export interface DeleteReviewQueue {
  readonly queue_id?: string | undefined
}

export interface DeleteReviewQueueResponse {}

export interface DeleteRun {
  readonly run_id?: string | undefined
}

export interface DeleteRunResponse {}

export interface DeleteScorer {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly version?: number | undefined
}

export interface DeleteScorerResponse {}

export interface DeleteTag {
  readonly run_id?: string | undefined
  readonly key?: string | undefined
}

export interface DeleteTagResponse {}

export interface DeleteTraceTag {
  readonly request_id?: string | undefined
  readonly key?: string | undefined
}

export interface DeleteTraceTagResponse {}

export interface DeleteTraceTagV3 {
  readonly trace_id?: string | undefined
  readonly key?: string | undefined
}

export interface DeleteTraceTagV3Response {}

export interface DeleteTraces {
  readonly experiment_id?: string | undefined
  readonly max_timestamp_millis?: Int64 | undefined
  readonly max_traces?: number | undefined
  readonly request_ids?: readonly string[] | undefined
}

export interface DeleteTracesResponse {
  readonly traces_deleted?: number | undefined
}

export interface DeleteTracesV3 {
  readonly experiment_id?: string | undefined
  readonly max_timestamp_millis?: Int64 | undefined
  readonly max_traces?: number | undefined
  readonly request_ids?: readonly string[] | undefined
}

export interface DeleteTracesV3Response {
  readonly traces_deleted?: number | undefined
}

export interface DeleteWebhook {
  readonly webhook_id?: string | undefined
}

export interface DeleteWebhookResponse {}

export interface DeleteWorkspace {
  readonly workspace_name?: string | undefined
}

export interface DeleteWorkspaceResponse {}

export interface DetachModelFromGatewayEndpoint {
  readonly endpoint_id?: string | undefined
  readonly model_definition_id?: string | undefined
}

export interface DetachModelFromGatewayEndpointResponse {}

export interface DownloadArtifact {}

export interface DownloadArtifactResponse {}

export interface EndTrace {
  readonly request_id?: string | undefined
  readonly timestamp_ms?: Int64 | undefined
  readonly status?: TraceStatus | undefined
  readonly request_metadata?: readonly TraceRequestMetadata[] | undefined
  readonly tags?: readonly TraceTag[] | undefined
}

export interface EndTraceResponse {
  readonly trace_info?: TraceInfo | undefined
}

export interface EvaluationDataset {
  readonly dataset_id?: string | undefined
  readonly name?: string | undefined
  readonly tags?: string | undefined
  readonly schema?: string | undefined
  readonly profile?: string | undefined
  readonly digest?: string | undefined
  readonly created_time?: Int64 | undefined
  readonly last_update_time?: Int64 | undefined
  readonly created_by?: string | undefined
  readonly last_updated_by?: string | undefined
  readonly experiment_ids?: readonly string[] | undefined
}

export interface Expectation {
  readonly value?: Json | undefined
  readonly serialized_value?: ExpectationSerializedValue | undefined
}

export interface ExpectationSerializedValue {
  readonly serialization_format?: string | undefined
  readonly value?: string | undefined
}

export interface Experiment {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly artifact_location?: string | undefined
  readonly lifecycle_stage?: string | undefined
  readonly last_update_time?: Int64 | undefined
  readonly creation_time?: Int64 | undefined
  readonly tags?: readonly ExperimentTag[] | undefined
  readonly effective_trace_archival_retention?: string | undefined
  readonly workspace?: string | undefined
}

export interface ExperimentTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface FallbackConfig {
  readonly strategy?: FallbackStrategy | undefined
  readonly max_attempts?: number | undefined
}

export interface Feedback {
  readonly value?: Json | undefined
  readonly error?: AssessmentError | undefined
}

export interface FileInfo {
  readonly path?: string | undefined
  readonly is_dir?: boolean | undefined
  readonly file_size?: Int64 | undefined
}

export interface FinalizeLoggedModel {
  readonly model_id?: string | undefined
  readonly status?: LoggedModelStatus | undefined
}

export interface FinalizeLoggedModelResponse {
  readonly model?: LoggedModel | undefined
}

export interface GatewayBudgetPolicy {
  readonly budget_policy_id?: string | undefined
  readonly budget_unit?: BudgetUnit | undefined
  readonly budget_amount?: Double | undefined
  readonly duration?: BudgetDuration | undefined
  readonly target_scope?: BudgetTargetScope | undefined
  readonly budget_action?: BudgetAction | undefined
  readonly created_by?: string | undefined
  readonly created_at?: Int64 | undefined
  readonly last_updated_by?: string | undefined
  readonly last_updated_at?: Int64 | undefined
  readonly target_value?: string | undefined
}

export interface GatewayEndpoint {
  readonly endpoint_id?: string | undefined
  readonly name?: string | undefined
  readonly created_at?: Int64 | undefined
  readonly last_updated_at?: Int64 | undefined
  readonly model_mappings?: readonly GatewayEndpointModelMapping[] | undefined
  readonly created_by?: string | undefined
  readonly last_updated_by?: string | undefined
  readonly tags?: readonly GatewayEndpointTag[] | undefined
  readonly routing_strategy?: RoutingStrategy | undefined
  readonly fallback_config?: FallbackConfig | undefined
  readonly experiment_id?: string | undefined
  readonly usage_tracking?: boolean | undefined
}

export interface GatewayEndpointBinding {
  readonly endpoint_id?: string | undefined
  readonly resource_type?: string | undefined
  readonly resource_id?: string | undefined
  readonly created_at?: Int64 | undefined
  readonly last_updated_at?: Int64 | undefined
  readonly created_by?: string | undefined
  readonly last_updated_by?: string | undefined
  readonly display_name?: string | undefined
}

export interface GatewayEndpointModelConfig {
  readonly model_definition_id?: string | undefined
  readonly linkage_type?: GatewayModelLinkageType | undefined
  readonly weight?: Double | undefined
  readonly fallback_order?: number | undefined
}

export interface GatewayEndpointModelMapping {
  readonly mapping_id?: string | undefined
  readonly endpoint_id?: string | undefined
  readonly model_definition_id?: string | undefined
  readonly model_definition?: GatewayModelDefinition | undefined
  readonly weight?: Double | undefined
  readonly created_at?: Int64 | undefined
  readonly created_by?: string | undefined
  readonly linkage_type?: GatewayModelLinkageType | undefined
  readonly fallback_order?: number | undefined
}

export interface GatewayEndpointTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface GatewayGuardrail {
  readonly guardrail_id?: string | undefined
  readonly name?: string | undefined
  readonly scorer?: Scorer | undefined
  readonly stage?: GuardrailStage | undefined
  readonly action?: GuardrailAction | undefined
  readonly action_endpoint_id?: string | undefined
  readonly created_by?: string | undefined
  readonly created_at?: Int64 | undefined
  readonly last_updated_by?: string | undefined
  readonly last_updated_at?: Int64 | undefined
}

export interface GatewayGuardrailConfig {
  readonly endpoint_id?: string | undefined
  readonly guardrail_id?: string | undefined
  readonly execution_order?: Int64 | undefined
  readonly created_by?: string | undefined
  readonly created_at?: Int64 | undefined
  readonly guardrail?: GatewayGuardrail | undefined
}

export interface GatewayModelDefinition {
  readonly model_definition_id?: string | undefined
  readonly name?: string | undefined
  readonly secret_id?: string | undefined
  readonly secret_name?: string | undefined
  readonly provider?: string | undefined
  readonly model_name?: string | undefined
  readonly created_at?: Int64 | undefined
  readonly last_updated_at?: Int64 | undefined
  readonly created_by?: string | undefined
  readonly last_updated_by?: string | undefined
}

export interface GatewaySecretInfo {
  readonly secret_id?: string | undefined
  readonly secret_name?: string | undefined
  readonly masked_values?: Readonly<Record<string, string>> | undefined
  readonly created_at?: Int64 | undefined
  readonly last_updated_at?: Int64 | undefined
  readonly provider?: string | undefined
  readonly created_by?: string | undefined
  readonly last_updated_by?: string | undefined
  readonly auth_config?: Readonly<Record<string, string>> | undefined
}

export interface GetAssessmentRequest {
  readonly trace_id?: string | undefined
  readonly assessment_id?: string | undefined
}

export interface GetAssessmentRequestResponse {
  readonly assessment?: Assessment | undefined
}

export interface GetDataset {
  readonly dataset_id?: string | undefined
  readonly page_token?: string | undefined
}

export interface GetDatasetExperimentIds {
  readonly dataset_id?: string | undefined
}

export interface GetDatasetExperimentIdsResponse {
  readonly experiment_ids?: readonly string[] | undefined
}

export interface GetDatasetRecords {
  readonly dataset_id?: string | undefined
  readonly max_results?: number | undefined
  readonly page_token?: string | undefined
}

export interface GetDatasetRecordsResponse {
  readonly records?: string | undefined
  readonly next_page_token?: string | undefined
}

export interface GetDatasetResponse {
  readonly dataset?: EvaluationDataset | undefined
  readonly next_page_token?: string | undefined
}

export interface GetExperiment {
  readonly experiment_id?: string | undefined
}

export interface GetExperimentByName {
  readonly experiment_name?: string | undefined
}

export interface GetExperimentByNameResponse {
  readonly experiment?: Experiment | undefined
}

export interface GetExperimentResponse {
  readonly experiment?: Experiment | undefined
}

export interface GetGatewayBudgetPolicy {
  readonly budget_policy_id?: string | undefined
}

export interface GetGatewayBudgetPolicyResponse {
  readonly budget_policy?: GatewayBudgetPolicy | undefined
}

export interface GetGatewayEndpoint {
  readonly endpoint_id?: string | undefined
  readonly name?: string | undefined
}

export interface GetGatewayEndpointResponse {
  readonly endpoint?: GatewayEndpoint | undefined
}

export interface GetGatewayGuardrail {
  readonly guardrail_id?: string | undefined
}

export interface GetGatewayGuardrailResponse {
  readonly guardrail?: GatewayGuardrail | undefined
}

export interface GetGatewayModelDefinition {
  readonly model_definition_id?: string | undefined
}

export interface GetGatewayModelDefinitionResponse {
  readonly model_definition?: GatewayModelDefinition | undefined
}

export interface GetGatewaySecretInfo {
  readonly secret_id?: string | undefined
  readonly secret_name?: string | undefined
}

export interface GetGatewaySecretInfoResponse {
  readonly secret?: GatewaySecretInfo | undefined
}

export interface GetIssue {
  readonly issue_id?: string | undefined
}

export interface GetIssueResponse {
  readonly issue?: Issue | undefined
}

export interface GetLabelSchema {
  readonly schema_id?: string | undefined
}

export interface GetLabelSchemaByName {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
}

export interface GetLabelSchemaByNameResponse {
  readonly label_schema?: LabelSchema | undefined
}

export interface GetLabelSchemaResponse {
  readonly label_schema?: LabelSchema | undefined
}

export interface GetLatestVersions {
  readonly name?: string | undefined
  readonly stages?: readonly string[] | undefined
}

export interface GetLatestVersionsResponse {
  readonly model_versions?: readonly ModelVersion[] | undefined
}

export interface GetLoggedModel {
  readonly model_id?: string | undefined
}

export interface GetLoggedModelResponse {
  readonly model?: LoggedModel | undefined
}

export interface GetMetricHistory {
  readonly run_id?: string | undefined
  readonly run_uuid?: string | undefined
  readonly metric_key?: string | undefined
  readonly page_token?: string | undefined
  readonly max_results?: number | undefined
}

export interface GetMetricHistoryBulkInterval {
  readonly run_ids?: readonly string[] | undefined
  readonly metric_key?: string | undefined
  readonly start_step?: number | undefined
  readonly end_step?: number | undefined
  readonly max_results?: number | undefined
}

export interface GetMetricHistoryBulkIntervalResponse {
  readonly metrics?: readonly MetricWithRunId[] | undefined
}

export interface GetMetricHistoryResponse {
  readonly metrics?: readonly Metric[] | undefined
  readonly next_page_token?: string | undefined
}

export interface GetModelVersion {
  readonly name?: string | undefined
  readonly version?: string | undefined
}

export interface GetModelVersionByAlias {
  readonly name?: string | undefined
  readonly alias?: string | undefined
}

export interface GetModelVersionByAliasResponse {
  readonly model_version?: ModelVersion | undefined
}

export interface GetModelVersionDownloadUri {
  readonly name?: string | undefined
  readonly version?: string | undefined
}

export interface GetModelVersionDownloadUriResponse {
  readonly artifact_uri?: string | undefined
}

export interface GetModelVersionResponse {
  readonly model_version?: ModelVersion | undefined
}

export interface GetOnlineTraceDetails {
  readonly trace_id?: string | undefined
  readonly sql_warehouse_id?: string | undefined
  readonly source_inference_table?: string | undefined
  readonly source_databricks_request_id?: string | undefined
}

export interface GetOnlineTraceDetailsResponse {
  readonly trace_data?: string | undefined
}

export interface GetOrCreateUserQueue {
  readonly experiment_id?: string | undefined
  readonly user?: string | undefined
  readonly created_by?: string | undefined
}

export interface GetOrCreateUserQueueResponse {
  readonly review_queue?: ReviewQueue | undefined
}

export interface GetPresignedDownloadUrl {}

export interface GetPresignedDownloadUrlResponse {
  readonly url?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly file_size?: Int64 | undefined
}

export interface GetPromptOptimizationJob {
  readonly job_id?: string | undefined
}

export interface GetPromptOptimizationJobResponse {
  readonly job?: PromptOptimizationJob | undefined
}

export interface GetRegisteredModel {
  readonly name?: string | undefined
}

export interface GetRegisteredModelResponse {
  readonly registered_model?: RegisteredModel | undefined
}

export interface GetReviewQueue {
  readonly queue_id?: string | undefined
}

export interface GetReviewQueueByName {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
}

export interface GetReviewQueueByNameResponse {
  readonly review_queue?: ReviewQueue | undefined
}

export interface GetReviewQueueResponse {
  readonly review_queue?: ReviewQueue | undefined
}

export interface GetRun {
  readonly run_id?: string | undefined
  readonly run_uuid?: string | undefined
}

export interface GetRunResponse {
  readonly run?: Run | undefined
}

export interface GetScorer {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly version?: number | undefined
}

export interface GetScorerResponse {
  readonly scorer?: Scorer | undefined
}

export interface GetTrace {
  readonly trace_id?: string | undefined
  readonly allow_partial?: boolean | undefined
}

export interface GetTraceInfo {
  readonly request_id?: string | undefined
}

export interface GetTraceInfoResponse {
  readonly trace_info?: TraceInfo | undefined
}

export interface GetTraceInfoV3 {
  readonly trace_id?: string | undefined
}

export interface GetTraceInfoV3Response {
  readonly trace?: Trace | undefined
}

export interface GetTraceResponse {
  readonly trace?: Trace | undefined
}

export interface GetWebhook {
  readonly webhook_id?: string | undefined
}

export interface GetWebhookResponse {
  readonly webhook?: Webhook | undefined
}

export interface GetWorkspace {
  readonly workspace_name?: string | undefined
}

export interface GetWorkspaceResponse {
  readonly workspace?: Workspace | undefined
}

export interface InputCategorical {
  readonly options?: readonly string[] | undefined
  readonly multi_select?: boolean | undefined
}

export interface InputNumeric {
  readonly min_value?: Double | undefined
  readonly max_value?: Double | undefined
}

export interface InputPassFail {
  readonly positive_label?: string | undefined
  readonly negative_label?: string | undefined
}

export interface InputTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface InputText {
  readonly max_length?: Int64 | undefined
}

export interface Issue {
  readonly issue_id?: string | undefined
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly status?: string | undefined
  readonly severity?: string | undefined
  readonly root_causes?: readonly string[] | undefined
  readonly source_run_id?: string | undefined
  readonly created_timestamp?: Int64 | undefined
  readonly last_updated_timestamp?: Int64 | undefined
  readonly created_by?: string | undefined
  readonly categories?: readonly string[] | undefined
  readonly trace_count?: number | undefined
}

export interface IssueReference {
  readonly issue_name?: string | undefined
}

export interface JobProgress {
  readonly phase?: string | undefined
  readonly completed?: Int64 | undefined
  readonly total?: Int64 | undefined
  readonly unit?: string | undefined
}

export interface JobState {
  readonly status?: JobStatus | undefined
  readonly error_message?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly status_message?: string | undefined
  readonly progress?: JobProgress | undefined
  readonly progress_updated_at?: Int64 | undefined
}

export interface KeyValue {
  readonly key?: string | undefined
  readonly value?: AnyValue | undefined
  readonly key_strindex?: number | undefined
}

export interface KeyValueList {
  readonly values?: readonly KeyValue[] | undefined
}

export interface LabelSchema {
  readonly schema_id?: string | undefined
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly type?: LabelSchemaType | undefined
  readonly instruction?: string | undefined
  readonly enable_comment?: boolean | undefined
  readonly input?: LabelSchemaInput | undefined
  readonly created_by?: string | undefined
  readonly created_at?: Int64 | undefined
  readonly last_updated_at?: Int64 | undefined
  readonly is_default?: boolean | undefined
}

export interface LabelSchemaInput {
  readonly pass_fail?: InputPassFail | undefined
  readonly categorical?: InputCategorical | undefined
  readonly numeric?: InputNumeric | undefined
  readonly text?: InputText | undefined
}

export interface LinkPromptsToTrace {
  readonly trace_id?: string | undefined
  readonly prompt_versions?: readonly LinkPromptsToTracePromptVersionRef[] | undefined
}

export interface LinkPromptsToTracePromptVersionRef {
  readonly name?: string | undefined
  readonly version?: string | undefined
}

export interface LinkPromptsToTraceResponse {}

export interface LinkTracesToRun {
  readonly trace_ids?: readonly string[] | undefined
  readonly run_id?: string | undefined
}

export interface LinkTracesToRunResponse {}

export interface ListArtifacts {
  readonly run_id?: string | undefined
  readonly run_uuid?: string | undefined
  readonly path?: string | undefined
  readonly page_token?: string | undefined
}

export interface ListArtifactsResponse {
  readonly root_uri?: string | undefined
  readonly files?: readonly FileInfo[] | undefined
  readonly next_page_token?: string | undefined
}

export interface ListEndpointGuardrailConfigs {
  readonly endpoint_id?: string | undefined
}

export interface ListEndpointGuardrailConfigsResponse {
  readonly configs?: readonly GatewayGuardrailConfig[] | undefined
}

export interface ListGatewayBudgetPolicies {
  readonly max_results?: Int64 | undefined
  readonly page_token?: string | undefined
}

export interface ListGatewayBudgetPoliciesResponse {
  readonly budget_policies?: readonly GatewayBudgetPolicy[] | undefined
  readonly next_page_token?: string | undefined
}

export interface ListGatewayBudgetWindows {}

export interface ListGatewayBudgetWindowsBudgetWindow {
  readonly budget_policy_id?: string | undefined
  readonly window_start_ms?: Int64 | undefined
  readonly window_end_ms?: Int64 | undefined
  readonly current_spend?: Double | undefined
}

export interface ListGatewayBudgetWindowsResponse {
  readonly windows?: readonly ListGatewayBudgetWindowsBudgetWindow[] | undefined
}

export interface ListGatewayEndpointBindings {
  readonly endpoint_id?: string | undefined
  readonly resource_type?: string | undefined
  readonly resource_id?: string | undefined
}

export interface ListGatewayEndpointBindingsResponse {
  readonly bindings?: readonly GatewayEndpointBinding[] | undefined
}

export interface ListGatewayEndpoints {
  readonly provider?: string | undefined
  readonly secret_id?: string | undefined
}

export interface ListGatewayEndpointsResponse {
  readonly endpoints?: readonly GatewayEndpoint[] | undefined
}

export interface ListGatewayGuardrails {
  readonly max_results?: Int64 | undefined
  readonly page_token?: string | undefined
}

export interface ListGatewayGuardrailsResponse {
  readonly guardrails?: readonly GatewayGuardrail[] | undefined
  readonly next_page_token?: string | undefined
}

export interface ListGatewayModelDefinitions {
  readonly provider?: string | undefined
  readonly secret_id?: string | undefined
}

export interface ListGatewayModelDefinitionsResponse {
  readonly model_definitions?: readonly GatewayModelDefinition[] | undefined
}

export interface ListGatewaySecretInfos {
  readonly provider?: string | undefined
}

export interface ListGatewaySecretInfosResponse {
  readonly secrets?: readonly GatewaySecretInfo[] | undefined
}

export interface ListLabelSchemas {
  readonly experiment_id?: string | undefined
  readonly max_results?: number | undefined
  readonly page_token?: string | undefined
}

export interface ListLabelSchemasResponse {
  readonly label_schemas?: readonly LabelSchema[] | undefined
  readonly next_page_token?: string | undefined
}

export interface ListLoggedModelArtifacts {
  readonly model_id?: string | undefined
  readonly artifact_directory_path?: string | undefined
  readonly page_token?: string | undefined
}

export interface ListLoggedModelArtifactsResponse {
  readonly root_uri?: string | undefined
  readonly files?: readonly FileInfo[] | undefined
  readonly next_page_token?: string | undefined
}

export interface ListProxiedArtifacts {
  readonly path?: string | undefined
}

export interface ListProxiedArtifactsResponse {
  readonly files?: readonly ProxiedFileInfo[] | undefined
}

export interface ListReviewQueueItems {
  readonly queue_id?: string | undefined
  readonly status?: ReviewStatus | undefined
  readonly max_results?: number | undefined
  readonly page_token?: string | undefined
}

export interface ListReviewQueueItemsResponse {
  readonly items?: readonly ReviewQueueItem[] | undefined
  readonly next_page_token?: string | undefined
}

export interface ListReviewQueues {
  readonly experiment_id?: string | undefined
  readonly user?: string | undefined
  readonly max_results?: number | undefined
  readonly page_token?: string | undefined
  readonly item_id?: string | undefined
}

export interface ListReviewQueuesResponse {
  readonly review_queues?: readonly ReviewQueue[] | undefined
  readonly next_page_token?: string | undefined
}

export interface ListScorerVersions {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
}

export interface ListScorerVersionsResponse {
  readonly scorers?: readonly Scorer[] | undefined
}

export interface ListScorers {
  readonly experiment_id?: string | undefined
  readonly experiment_ids?: readonly string[] | undefined
}

export interface ListScorersResponse {
  readonly scorers?: readonly Scorer[] | undefined
}

export interface ListWebhooks {
  readonly max_results?: number | undefined
  readonly page_token?: string | undefined
}

export interface ListWebhooksResponse {
  readonly webhooks?: readonly Webhook[] | undefined
  readonly next_page_token?: string | undefined
}

export interface ListWorkspaces {}

export interface ListWorkspacesResponse {
  readonly workspaces?: readonly Workspace[] | undefined
}

export interface LogBatch {
  readonly run_id?: string | undefined
  readonly metrics?: readonly Metric[] | undefined
  readonly params?: readonly Param[] | undefined
  readonly tags?: readonly RunTag[] | undefined
}

export interface LogBatchResponse {}

export interface LogInputs {
  readonly run_id?: string | undefined
  readonly datasets?: readonly DatasetInput[] | undefined
  readonly models?: readonly ModelInput[] | undefined
}

export interface LogInputsResponse {}

export interface LogLoggedModelParamsRequest {
  readonly model_id?: string | undefined
  readonly params?: readonly LoggedModelParameter[] | undefined
}

export interface LogLoggedModelParamsRequestResponse {}

export interface LogMetric {
  readonly run_id?: string | undefined
  readonly run_uuid?: string | undefined
  readonly key?: string | undefined
  readonly value?: Double | undefined
  readonly timestamp?: Int64 | undefined
  readonly step?: Int64 | undefined
  readonly model_id?: string | undefined
  readonly dataset_name?: string | undefined
  readonly dataset_digest?: string | undefined
}

export interface LogMetricResponse {}

export interface LogModel {
  readonly run_id?: string | undefined
  readonly model_json?: string | undefined
}

export interface LogModelResponse {}

export interface LogOutputs {
  readonly run_id?: string | undefined
  readonly models?: readonly ModelOutput[] | undefined
}

export interface LogOutputsResponse {}

export interface LogParam {
  readonly run_id?: string | undefined
  readonly run_uuid?: string | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface LogParamResponse {}

export interface LoggedModel {
  readonly info?: LoggedModelInfo | undefined
  readonly data?: LoggedModelData | undefined
}

export interface LoggedModelData {
  readonly params?: readonly LoggedModelParameter[] | undefined
  readonly metrics?: readonly Metric[] | undefined
}

export interface LoggedModelInfo {
  readonly model_id?: string | undefined
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly creation_timestamp_ms?: Int64 | undefined
  readonly last_updated_timestamp_ms?: Int64 | undefined
  readonly artifact_uri?: string | undefined
  readonly status?: LoggedModelStatus | undefined
  readonly creator_id?: Int64 | undefined
  readonly model_type?: string | undefined
  readonly source_run_id?: string | undefined
  readonly status_message?: string | undefined
  readonly tags?: readonly LoggedModelTag[] | undefined
  readonly registrations?: readonly LoggedModelRegistrationInfo[] | undefined
}

export interface LoggedModelParameter {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface LoggedModelRegistrationInfo {
  readonly name?: string | undefined
  readonly version?: string | undefined
}

export interface LoggedModelTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface Metric {
  readonly key?: string | undefined
  readonly value?: Double | undefined
  readonly timestamp?: Int64 | undefined
  readonly step?: Int64 | undefined
  readonly dataset_name?: string | undefined
  readonly dataset_digest?: string | undefined
  readonly model_id?: string | undefined
  readonly run_id?: string | undefined
}

export interface MetricAggregation {
  readonly aggregation_type?: AggregationType | undefined
  readonly percentile_value?: Double | undefined
}

export interface MetricDataPoint {
  readonly metric_name?: string | undefined
  readonly dimensions?: Readonly<Record<string, string>> | undefined
  readonly values?: Readonly<Record<string, Double>> | undefined
}

export interface MetricWithRunId {
  readonly key?: string | undefined
  readonly value?: Double | undefined
  readonly timestamp?: Int64 | undefined
  readonly step?: Int64 | undefined
  readonly run_id?: string | undefined
}

export interface ModelInput {
  readonly model_id?: string | undefined
}

export interface ModelMetric {
  readonly key?: string | undefined
  readonly value?: Double | undefined
  readonly timestamp?: Int64 | undefined
  readonly step?: Int64 | undefined
  readonly dataset_name?: string | undefined
  readonly dataset_digest?: string | undefined
  readonly model_id?: string | undefined
  readonly run_id?: string | undefined
}

export interface ModelOutput {
  readonly model_id?: string | undefined
  readonly step?: Int64 | undefined
}

export interface ModelParam {
  readonly name?: string | undefined
  readonly value?: string | undefined
}

export interface ModelVersion {
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly creation_timestamp?: Int64 | undefined
  readonly last_updated_timestamp?: Int64 | undefined
  readonly user_id?: string | undefined
  readonly current_stage?: string | undefined
  readonly description?: string | undefined
  readonly source?: string | undefined
  readonly run_id?: string | undefined
  readonly status?: ModelVersionStatus | undefined
  readonly status_message?: string | undefined
  readonly tags?: readonly ModelVersionTag[] | undefined
  readonly run_link?: string | undefined
  readonly aliases?: readonly string[] | undefined
  readonly model_id?: string | undefined
  readonly model_params?: readonly ModelParam[] | undefined
  readonly model_metrics?: readonly ModelMetric[] | undefined
  readonly deployment_job_state?: ModelVersionDeploymentJobState | undefined
}

export interface ModelVersionDeploymentJobState {
  readonly job_id?: string | undefined
  readonly run_id?: string | undefined
  readonly job_state?: DeploymentJobConnectionState | undefined
  readonly run_state?: ModelVersionDeploymentJobStateDeploymentJobRunState | undefined
  readonly current_task_name?: string | undefined
}

export interface ModelVersionTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface MultipartUploadCredential {
  readonly url?: string | undefined
  readonly part_number?: Int64 | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface MultipartUploadPart {
  readonly part_number?: Int64 | undefined
  readonly etag?: string | undefined
  readonly url?: string | undefined
}

export interface Param {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface PromptOptimizationJob {
  readonly job_id?: string | undefined
  readonly run_id?: string | undefined
  readonly state?: JobState | undefined
  readonly experiment_id?: string | undefined
  readonly source_prompt_uri?: string | undefined
  readonly optimized_prompt_uri?: string | undefined
  readonly config?: PromptOptimizationJobConfig | undefined
  readonly creation_timestamp_ms?: Int64 | undefined
  readonly completion_timestamp_ms?: Int64 | undefined
  readonly tags?: readonly PromptOptimizationJobTag[] | undefined
  readonly initial_eval_scores?: Readonly<Record<string, Double>> | undefined
  readonly final_eval_scores?: Readonly<Record<string, Double>> | undefined
}

export interface PromptOptimizationJobConfig {
  readonly optimizer_type?: OptimizerType | undefined
  readonly dataset_id?: string | undefined
  readonly scorers?: readonly string[] | undefined
  readonly optimizer_config_json?: string | undefined
}

export interface PromptOptimizationJobTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface ProxiedFileInfo {
  readonly path?: string | undefined
  readonly is_dir?: boolean | undefined
  readonly file_size?: Int64 | undefined
}

export interface QueryTraceMetrics {
  readonly experiment_ids?: readonly string[] | undefined
  readonly view_type?: MetricViewType | undefined
  readonly metric_name?: string | undefined
  readonly aggregations?: readonly MetricAggregation[] | undefined
  readonly dimensions?: readonly string[] | undefined
  readonly filters?: readonly string[] | undefined
  readonly time_interval_seconds?: Int64 | undefined
  readonly start_time_ms?: Int64 | undefined
  readonly end_time_ms?: Int64 | undefined
  readonly max_results?: number | undefined
  readonly page_token?: string | undefined
}

export interface QueryTraceMetricsResponse {
  readonly data_points?: readonly MetricDataPoint[] | undefined
  readonly next_page_token?: string | undefined
}

export interface RegisterScorer {
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly serialized_scorer?: string | undefined
}

export interface RegisterScorerResponse {
  readonly version?: number | undefined
  readonly scorer_id?: string | undefined
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly serialized_scorer?: string | undefined
  readonly creation_time?: Int64 | undefined
}

export interface RegisteredModel {
  readonly name?: string | undefined
  readonly creation_timestamp?: Int64 | undefined
  readonly last_updated_timestamp?: Int64 | undefined
  readonly user_id?: string | undefined
  readonly description?: string | undefined
  readonly latest_versions?: readonly ModelVersion[] | undefined
  readonly tags?: readonly RegisteredModelTag[] | undefined
  readonly aliases?: readonly RegisteredModelAlias[] | undefined
  readonly deployment_job_id?: string | undefined
  readonly deployment_job_state?: DeploymentJobConnectionState | undefined
}

export interface RegisteredModelAlias {
  readonly alias?: string | undefined
  readonly version?: string | undefined
}

export interface RegisteredModelTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface RemoveDatasetFromExperiments {
  readonly dataset_id?: string | undefined
  readonly experiment_ids?: readonly string[] | undefined
}

export interface RemoveDatasetFromExperimentsResponse {
  readonly dataset?: EvaluationDataset | undefined
}

export interface RemoveGuardrailFromEndpoint {
  readonly endpoint_id?: string | undefined
  readonly guardrail_id?: string | undefined
}

export interface RemoveGuardrailFromEndpointResponse {}

export interface RemoveItemsFromReviewQueue {
  readonly queue_id?: string | undefined
  readonly item_ids?: readonly string[] | undefined
}

export interface RemoveItemsFromReviewQueueResponse {}

export interface RenameRegisteredModel {
  readonly name?: string | undefined
  readonly new_name?: string | undefined
}

export interface RenameRegisteredModelResponse {
  readonly registered_model?: RegisteredModel | undefined
}

export interface RestoreExperiment {
  readonly experiment_id?: string | undefined
}

export interface RestoreExperimentResponse {}

export interface RestoreRun {
  readonly run_id?: string | undefined
}

export interface RestoreRunResponse {}

export interface ReviewQueue {
  readonly queue_id?: string | undefined
  readonly experiment_id?: string | undefined
  readonly name?: string | undefined
  readonly queue_type?: ReviewQueueType | undefined
  readonly created_by?: string | undefined
  readonly creation_time_ms?: Int64 | undefined
  readonly last_update_time_ms?: Int64 | undefined
  readonly users?: readonly string[] | undefined
  readonly schema_ids?: readonly string[] | undefined
}

export interface ReviewQueueItem {
  readonly queue_id?: string | undefined
  readonly item_type?: ReviewItemType | undefined
  readonly item_id?: string | undefined
  readonly status?: ReviewStatus | undefined
  readonly completed_by?: string | undefined
  readonly completed_time_ms?: Int64 | undefined
  readonly creation_time_ms?: Int64 | undefined
  readonly last_update_time_ms?: Int64 | undefined
}

export interface Run {
  readonly info?: RunInfo | undefined
  readonly data?: RunData | undefined
  readonly inputs?: RunInputs | undefined
  readonly outputs?: RunOutputs | undefined
}

export interface RunData {
  readonly metrics?: readonly Metric[] | undefined
  readonly params?: readonly Param[] | undefined
  readonly tags?: readonly RunTag[] | undefined
}

export interface RunInfo {
  readonly run_id?: string | undefined
  readonly run_uuid?: string | undefined
  readonly run_name?: string | undefined
  readonly experiment_id?: string | undefined
  readonly user_id?: string | undefined
  readonly status?: RunStatus | undefined
  readonly start_time?: Int64 | undefined
  readonly end_time?: Int64 | undefined
  readonly artifact_uri?: string | undefined
  readonly lifecycle_stage?: string | undefined
}

export interface RunInputs {
  readonly dataset_inputs?: readonly DatasetInput[] | undefined
  readonly model_inputs?: readonly ModelInput[] | undefined
}

export interface RunOutputs {
  readonly model_outputs?: readonly ModelOutput[] | undefined
}

export interface RunTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface Scorer {
  readonly experiment_id?: number | undefined
  readonly scorer_name?: string | undefined
  readonly scorer_version?: number | undefined
  readonly serialized_scorer?: string | undefined
  readonly creation_time?: Int64 | undefined
  readonly scorer_id?: string | undefined
}

export interface SearchDatasets {
  readonly experiment_ids?: readonly string[] | undefined
}

export interface SearchDatasetsResponse {
  readonly dataset_summaries?: readonly DatasetSummary[] | undefined
}

export interface SearchEvaluationDatasets {
  readonly experiment_ids?: readonly string[] | undefined
  readonly filter_string?: string | undefined
  readonly max_results?: number | undefined
  readonly order_by?: readonly string[] | undefined
  readonly page_token?: string | undefined
}

export interface SearchEvaluationDatasetsResponse {
  readonly datasets?: readonly EvaluationDataset[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchExperiments {
  readonly max_results?: Int64 | undefined
  readonly page_token?: string | undefined
  readonly filter?: string | undefined
  readonly order_by?: readonly string[] | undefined
  readonly view_type?: ViewType | undefined
}

export interface SearchExperimentsResponse {
  readonly experiments?: readonly Experiment[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchIssues {
  readonly experiment_id?: string | undefined
  readonly filter_string?: string | undefined
  readonly max_results?: number | undefined
  readonly page_token?: string | undefined
  readonly include_trace_count?: boolean | undefined
}

export interface SearchIssuesResponse {
  readonly issues?: readonly Issue[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchLoggedModels {
  readonly experiment_ids?: readonly string[] | undefined
  readonly filter?: string | undefined
  readonly datasets?: readonly SearchLoggedModelsDataset[] | undefined
  readonly max_results?: number | undefined
  readonly order_by?: readonly SearchLoggedModelsOrderBy[] | undefined
  readonly page_token?: string | undefined
}

export interface SearchLoggedModelsDataset {
  readonly dataset_name?: string | undefined
  readonly dataset_digest?: string | undefined
}

export interface SearchLoggedModelsOrderBy {
  readonly field_name?: string | undefined
  readonly ascending?: boolean | undefined
  readonly dataset_name?: string | undefined
  readonly dataset_digest?: string | undefined
}

export interface SearchLoggedModelsResponse {
  readonly models?: readonly LoggedModel[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchModelVersions {
  readonly filter?: string | undefined
  readonly max_results?: Int64 | undefined
  readonly order_by?: readonly string[] | undefined
  readonly page_token?: string | undefined
}

export interface SearchModelVersionsResponse {
  readonly model_versions?: readonly ModelVersion[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchPromptOptimizationJobs {
  readonly experiment_id?: string | undefined
}

export interface SearchPromptOptimizationJobsResponse {
  readonly jobs?: readonly PromptOptimizationJob[] | undefined
}

export interface SearchRegisteredModels {
  readonly filter?: string | undefined
  readonly max_results?: Int64 | undefined
  readonly order_by?: readonly string[] | undefined
  readonly page_token?: string | undefined
}

export interface SearchRegisteredModelsResponse {
  readonly registered_models?: readonly RegisteredModel[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchRuns {
  readonly experiment_ids?: readonly string[] | undefined
  readonly filter?: string | undefined
  readonly run_view_type?: ViewType | undefined
  readonly max_results?: number | undefined
  readonly order_by?: readonly string[] | undefined
  readonly page_token?: string | undefined
}

export interface SearchRunsResponse {
  readonly runs?: readonly Run[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchTraces {
  readonly experiment_ids?: readonly string[] | undefined
  readonly filter?: string | undefined
  readonly max_results?: number | undefined
  readonly order_by?: readonly string[] | undefined
  readonly page_token?: string | undefined
}

export interface SearchTracesResponse {
  readonly traces?: readonly TraceInfo[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchTracesV3 {
  readonly locations?: readonly TraceLocation[] | undefined
  readonly filter?: string | undefined
  readonly max_results?: number | undefined
  readonly order_by?: readonly string[] | undefined
  readonly page_token?: string | undefined
}

export interface SearchTracesV3Response {
  readonly traces?: readonly TraceInfoV3[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SearchUnifiedTraces {
  readonly model_id?: string | undefined
  readonly sql_warehouse_id?: string | undefined
  readonly experiment_ids?: readonly string[] | undefined
  readonly filter?: string | undefined
  readonly max_results?: number | undefined
  readonly order_by?: readonly string[] | undefined
  readonly page_token?: string | undefined
}

export interface SearchUnifiedTracesResponse {
  readonly traces?: readonly TraceInfo[] | undefined
  readonly next_page_token?: string | undefined
}

export interface SetDatasetTags {
  readonly dataset_id?: string | undefined
  readonly tags?: string | undefined
}

export interface SetDatasetTagsResponse {
  readonly dataset?: EvaluationDataset | undefined
}

export interface SetExperimentTag {
  readonly experiment_id?: string | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface SetExperimentTagResponse {}

export interface SetGatewayEndpointTag {
  readonly endpoint_id?: string | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface SetGatewayEndpointTagResponse {}

export interface SetLoggedModelTags {
  readonly model_id?: string | undefined
  readonly tags?: readonly LoggedModelTag[] | undefined
}

export interface SetLoggedModelTagsResponse {
  readonly model?: LoggedModel | undefined
}

export interface SetModelVersionTag {
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface SetModelVersionTagResponse {}

export interface SetRegisteredModelAlias {
  readonly name?: string | undefined
  readonly alias?: string | undefined
  readonly version?: string | undefined
}

export interface SetRegisteredModelAliasResponse {}

export interface SetRegisteredModelTag {
  readonly name?: string | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface SetRegisteredModelTagResponse {}

export interface SetReviewQueueItemStatus {
  readonly queue_id?: string | undefined
  readonly item_id?: string | undefined
  readonly status?: ReviewStatus | undefined
  readonly completed_by?: string | undefined
}

export interface SetReviewQueueItemStatusResponse {
  readonly item?: ReviewQueueItem | undefined
}

export interface SetTag {
  readonly run_id?: string | undefined
  readonly run_uuid?: string | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface SetTagResponse {}

export interface SetTraceTag {
  readonly request_id?: string | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface SetTraceTagResponse {}

export interface SetTraceTagV3 {
  readonly trace_id?: string | undefined
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface SetTraceTagV3Response {}

export interface Span {
  readonly trace_id?: string | undefined
  readonly span_id?: string | undefined
  readonly trace_state?: string | undefined
  readonly parent_span_id?: string | undefined
  readonly flags?: number | undefined
  readonly name?: string | undefined
  readonly kind?: SpanSpanKind | undefined
  readonly start_time_unix_nano?: Int64 | undefined
  readonly end_time_unix_nano?: Int64 | undefined
  readonly attributes?: readonly KeyValue[] | undefined
  readonly dropped_attributes_count?: number | undefined
  readonly events?: readonly SpanEvent[] | undefined
  readonly dropped_events_count?: number | undefined
  readonly links?: readonly SpanLink[] | undefined
  readonly dropped_links_count?: number | undefined
  readonly status?: Status | undefined
}

export interface SpanEvent {
  readonly time_unix_nano?: Int64 | undefined
  readonly name?: string | undefined
  readonly attributes?: readonly KeyValue[] | undefined
  readonly dropped_attributes_count?: number | undefined
}

export interface SpanLink {
  readonly trace_id?: string | undefined
  readonly span_id?: string | undefined
  readonly trace_state?: string | undefined
  readonly attributes?: readonly KeyValue[] | undefined
  readonly dropped_attributes_count?: number | undefined
  readonly flags?: number | undefined
}

export interface StartTrace {
  readonly experiment_id?: string | undefined
  readonly timestamp_ms?: Int64 | undefined
  readonly request_metadata?: readonly TraceRequestMetadata[] | undefined
  readonly tags?: readonly TraceTag[] | undefined
}

export interface StartTraceResponse {
  readonly trace_info?: TraceInfo | undefined
}

export interface StartTraceV3 {
  readonly trace?: Trace | undefined
}

export interface StartTraceV3Response {
  readonly trace?: Trace | undefined
}

export interface Status {
  readonly message?: string | undefined
  readonly code?: StatusStatusCode | undefined
}

export interface TestWebhook {
  readonly webhook_id?: string | undefined
  readonly event?: WebhookEvent | undefined
}

export interface TestWebhookResponse {
  readonly result?: WebhookTestResult | undefined
}

export interface Trace {
  readonly trace_info?: TraceInfoV3 | undefined
  readonly spans?: readonly Span[] | undefined
}

export interface TraceArchivalConfig {
  readonly location?: string | undefined
  readonly retention?: string | undefined
}

export interface TraceInfo {
  readonly request_id?: string | undefined
  readonly experiment_id?: string | undefined
  readonly timestamp_ms?: Int64 | undefined
  readonly execution_time_ms?: Int64 | undefined
  readonly status?: TraceStatus | undefined
  readonly request_metadata?: readonly TraceRequestMetadata[] | undefined
  readonly tags?: readonly TraceTag[] | undefined
}

export interface TraceInfoV3 {
  readonly trace_id?: string | undefined
  readonly client_request_id?: string | undefined
  readonly trace_location?: TraceLocation | undefined
  readonly request?: string | undefined
  readonly response?: string | undefined
  readonly request_preview?: string | undefined
  readonly response_preview?: string | undefined
  readonly request_time?: string | undefined
  readonly execution_duration?: string | undefined
  readonly state?: TraceInfoV3State | undefined
  readonly trace_metadata?: Readonly<Record<string, string>> | undefined
  readonly assessments?: readonly Assessment[] | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

export interface TraceLocation {
  readonly type?: TraceLocationTraceLocationType | undefined
  readonly mlflow_experiment?: TraceLocationMlflowExperimentLocation | undefined
  readonly inference_table?: TraceLocationInferenceTableLocation | undefined
}

export interface TraceLocationInferenceTableLocation {
  readonly full_table_name?: string | undefined
}

export interface TraceLocationMlflowExperimentLocation {
  readonly experiment_id?: string | undefined
}

export interface TraceRequestMetadata {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface TraceTag {
  readonly key?: string | undefined
  readonly value?: string | undefined
}

export interface TransitionModelVersionStage {
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly stage?: string | undefined
  readonly archive_existing_versions?: boolean | undefined
}

export interface TransitionModelVersionStageResponse {
  readonly model_version?: ModelVersion | undefined
}

export interface UpdateAssessment {
  readonly assessment?: Assessment | undefined
  readonly update_mask?: string | undefined
}

export interface UpdateAssessmentResponse {
  readonly assessment?: Assessment | undefined
}

export interface UpdateEndpointGuardrailConfig {
  readonly endpoint_id?: string | undefined
  readonly guardrail_id?: string | undefined
  readonly execution_order?: Int64 | undefined
}

export interface UpdateEndpointGuardrailConfigResponse {
  readonly config?: GatewayGuardrailConfig | undefined
}

export interface UpdateExperiment {
  readonly experiment_id?: string | undefined
  readonly new_name?: string | undefined
}

export interface UpdateExperimentResponse {}

export interface UpdateGatewayBudgetPolicy {
  readonly budget_policy_id?: string | undefined
  readonly budget_unit?: BudgetUnit | undefined
  readonly budget_amount?: Double | undefined
  readonly duration?: BudgetDuration | undefined
  readonly target_scope?: BudgetTargetScope | undefined
  readonly budget_action?: BudgetAction | undefined
  readonly updated_by?: string | undefined
  readonly target_value?: string | undefined
}

export interface UpdateGatewayBudgetPolicyResponse {
  readonly budget_policy?: GatewayBudgetPolicy | undefined
}

export interface UpdateGatewayEndpoint {
  readonly endpoint_id?: string | undefined
  readonly name?: string | undefined
  readonly updated_by?: string | undefined
  readonly model_configs?: readonly GatewayEndpointModelConfig[] | undefined
  readonly routing_strategy?: RoutingStrategy | undefined
  readonly fallback_config?: FallbackConfig | undefined
  readonly experiment_id?: string | undefined
  readonly usage_tracking?: boolean | undefined
}

export interface UpdateGatewayEndpointResponse {
  readonly endpoint?: GatewayEndpoint | undefined
}

export interface UpdateGatewayModelDefinition {
  readonly model_definition_id?: string | undefined
  readonly name?: string | undefined
  readonly secret_id?: string | undefined
  readonly model_name?: string | undefined
  readonly updated_by?: string | undefined
  readonly provider?: string | undefined
}

export interface UpdateGatewayModelDefinitionResponse {
  readonly model_definition?: GatewayModelDefinition | undefined
}

export interface UpdateGatewaySecret {
  readonly secret_id?: string | undefined
  readonly secret_value?: Readonly<Record<string, string>> | undefined
  readonly auth_config?: Readonly<Record<string, string>> | undefined
  readonly updated_by?: string | undefined
}

export interface UpdateGatewaySecretResponse {
  readonly secret?: GatewaySecretInfo | undefined
}

export interface UpdateIssue {
  readonly issue_id?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly status?: string | undefined
  readonly severity?: string | undefined
}

export interface UpdateIssueResponse {
  readonly issue?: Issue | undefined
}

export interface UpdateLabelSchema {
  readonly schema_id?: string | undefined
  readonly name?: string | undefined
  readonly instruction?: string | undefined
  readonly enable_comment?: boolean | undefined
  readonly input?: LabelSchemaInput | undefined
}

export interface UpdateLabelSchemaResponse {
  readonly label_schema?: LabelSchema | undefined
}

export interface UpdateModelVersion {
  readonly name?: string | undefined
  readonly version?: string | undefined
  readonly description?: string | undefined
}

export interface UpdateModelVersionResponse {
  readonly model_version?: ModelVersion | undefined
}

export interface UpdateRegisteredModel {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly deployment_job_id?: string | undefined
}

export interface UpdateRegisteredModelResponse {
  readonly registered_model?: RegisteredModel | undefined
}

export interface UpdateReviewQueue {
  readonly queue_id?: string | undefined
  readonly update_users?: boolean | undefined
  readonly users?: readonly string[] | undefined
  readonly update_schema_ids?: boolean | undefined
  readonly schema_ids?: readonly string[] | undefined
  readonly name?: string | undefined
  readonly new_owner?: string | undefined
}

export interface UpdateReviewQueueResponse {
  readonly review_queue?: ReviewQueue | undefined
}

export interface UpdateRun {
  readonly run_id?: string | undefined
  readonly run_uuid?: string | undefined
  readonly status?: RunStatus | undefined
  readonly end_time?: Int64 | undefined
  readonly run_name?: string | undefined
}

export interface UpdateRunResponse {
  readonly run_info?: RunInfo | undefined
}

export interface UpdateWebhook {
  readonly webhook_id?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly url?: string | undefined
  readonly events?: readonly WebhookEvent[] | undefined
  readonly secret?: string | undefined
  readonly status?: WebhookStatus | undefined
}

export interface UpdateWebhookResponse {
  readonly webhook?: Webhook | undefined
}

export interface UpdateWorkspace {
  readonly workspace_name?: string | undefined
  readonly description?: string | undefined
  readonly default_artifact_root?: string | undefined
  readonly trace_archival_config?: TraceArchivalConfig | undefined
}

export interface UpdateWorkspaceResponse {
  readonly workspace?: Workspace | undefined
}

export interface UploadArtifact {}

export interface UploadArtifactResponse {}

export interface UpsertDatasetRecords {
  readonly dataset_id?: string | undefined
  readonly records?: string | undefined
  readonly updated_by?: string | undefined
}

export interface UpsertDatasetRecordsResponse {
  readonly inserted_count?: number | undefined
  readonly updated_count?: number | undefined
}

export interface Webhook {
  readonly webhook_id?: string | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly url?: string | undefined
  readonly events?: readonly WebhookEvent[] | undefined
  readonly status?: WebhookStatus | undefined
  readonly creation_timestamp?: Int64 | undefined
  readonly last_updated_timestamp?: Int64 | undefined
}

export interface WebhookEvent {
  readonly entity?: WebhookEntity | undefined
  readonly action?: WebhookAction | undefined
}

export interface WebhookTestResult {
  readonly success?: boolean | undefined
  readonly response_status?: number | undefined
  readonly response_body?: string | undefined
  readonly error_message?: string | undefined
}

export interface Workspace {
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly default_artifact_root?: string | undefined
  readonly trace_archival_config?: TraceArchivalConfig | undefined
}

export interface Requests {
  getExperimentByName: GetExperimentByName
  createExperiment: CreateExperiment
  searchExperiments: SearchExperiments
  getExperiment: GetExperiment
  deleteExperiment: DeleteExperiment
  restoreExperiment: RestoreExperiment
  updateExperiment: UpdateExperiment
  createRun: CreateRun
  updateRun: UpdateRun
  deleteRun: DeleteRun
  restoreRun: RestoreRun
  logMetric: LogMetric
  logParam: LogParam
  setExperimentTag: SetExperimentTag
  deleteExperimentTag: DeleteExperimentTag
  setTag: SetTag
  setTraceTag: SetTraceTag
  setTraceTagV3: SetTraceTagV3
  deleteTraceTag: DeleteTraceTag
  deleteTraceTagV3: DeleteTraceTagV3
  deleteTag: DeleteTag
  getRun: GetRun
  searchRuns: SearchRuns
  listArtifacts: ListArtifacts
  createPresignedUploadUrl: CreatePresignedUploadUrl
  createPresignedDownloadUrl: CreatePresignedDownloadUrl
  getMetricHistory: GetMetricHistory
  getMetricHistoryBulkInterval: GetMetricHistoryBulkInterval
  logBatch: LogBatch
  logModel: LogModel
  logInputs: LogInputs
  logOutputs: LogOutputs
  searchDatasets: SearchDatasets
  startTrace: StartTrace
  endTrace: EndTrace
  getTraceInfo: GetTraceInfo
  getTraceInfoV3: GetTraceInfoV3
  getTrace: GetTrace
  batchGetTraces: BatchGetTraces
  batchGetTraceInfos: BatchGetTraceInfos
  searchTraces: SearchTraces
  searchTracesV3: SearchTracesV3
  startTraceV3: StartTraceV3
  linkTracesToRun: LinkTracesToRun
  linkPromptsToTrace: LinkPromptsToTrace
  searchUnifiedTraceHandler: SearchUnifiedTraces
  getOnlineTraceDetails: GetOnlineTraceDetails
  deleteTraces: DeleteTraces
  deleteTracesV3: DeleteTracesV3
  calculateTraceFilterCorrelation: CalculateTraceFilterCorrelation
  queryTraceMetrics: QueryTraceMetrics
  listWorkspaces: ListWorkspaces
  createWorkspace: CreateWorkspace
  getWorkspace: GetWorkspace
  updateWorkspace: UpdateWorkspace
  deleteWorkspace: DeleteWorkspace
  createLoggedModel: CreateLoggedModel
  finalizeLoggedModel: FinalizeLoggedModel
  getLoggedModel: GetLoggedModel
  deleteLoggedModel: DeleteLoggedModel
  searchLoggedModels: SearchLoggedModels
  setLoggedModelTags: SetLoggedModelTags
  deleteLoggedModelTag: DeleteLoggedModelTag
  listLoggedModelArtifacts: ListLoggedModelArtifacts
  logLoggedModelParams: LogLoggedModelParamsRequest
  getAssessment: GetAssessmentRequest
  createAssessment: CreateAssessment
  updateAssessment: UpdateAssessment
  deleteAssessment: DeleteAssessment
  createIssue: CreateIssue
  updateIssue: UpdateIssue
  getIssue: GetIssue
  searchIssues: SearchIssues
  createLabelSchema: CreateLabelSchema
  getLabelSchema: GetLabelSchema
  getLabelSchemaByName: GetLabelSchemaByName
  listLabelSchemas: ListLabelSchemas
  updateLabelSchema: UpdateLabelSchema
  deleteLabelSchema: DeleteLabelSchema
  createDataset: CreateDataset
  getDataset: GetDataset
  deleteDataset: DeleteDataset
  searchEvaluationDatasets: SearchEvaluationDatasets
  setDatasetTags: SetDatasetTags
  deleteDatasetTag: DeleteDatasetTag
  upsertDatasetRecords: UpsertDatasetRecords
  getDatasetExperimentIds: GetDatasetExperimentIds
  registerScorer: RegisterScorer
  listScorers: ListScorers
  listScorerVersions: ListScorerVersions
  getScorer: GetScorer
  deleteScorer: DeleteScorer
  getDatasetRecords: GetDatasetRecords
  deleteDatasetRecords: DeleteDatasetRecords
  addDatasetToExperiments: AddDatasetToExperiments
  removeDatasetFromExperiments: RemoveDatasetFromExperiments
  createGatewaySecret: CreateGatewaySecret
  getGatewaySecretInfo: GetGatewaySecretInfo
  updateGatewaySecret: UpdateGatewaySecret
  deleteGatewaySecret: DeleteGatewaySecret
  listGatewaySecretInfos: ListGatewaySecretInfos
  createGatewayEndpoint: CreateGatewayEndpoint
  getGatewayEndpoint: GetGatewayEndpoint
  updateGatewayEndpoint: UpdateGatewayEndpoint
  deleteGatewayEndpoint: DeleteGatewayEndpoint
  listGatewayEndpoints: ListGatewayEndpoints
  createGatewayModelDefinition: CreateGatewayModelDefinition
  getGatewayModelDefinition: GetGatewayModelDefinition
  listGatewayModelDefinitions: ListGatewayModelDefinitions
  updateGatewayModelDefinition: UpdateGatewayModelDefinition
  deleteGatewayModelDefinition: DeleteGatewayModelDefinition
  attachModelToEndpoint: AttachModelToGatewayEndpoint
  detachModelFromEndpoint: DetachModelFromGatewayEndpoint
  createEndpointBinding: CreateGatewayEndpointBinding
  deleteEndpointBinding: DeleteGatewayEndpointBinding
  listEndpointBindings: ListGatewayEndpointBindings
  setGatewayEndpointTag: SetGatewayEndpointTag
  deleteGatewayEndpointTag: DeleteGatewayEndpointTag
  createBudgetPolicy: CreateGatewayBudgetPolicy
  getBudgetPolicy: GetGatewayBudgetPolicy
  updateBudgetPolicy: UpdateGatewayBudgetPolicy
  deleteBudgetPolicy: DeleteGatewayBudgetPolicy
  listBudgetPolicies: ListGatewayBudgetPolicies
  listBudgetWindows: ListGatewayBudgetWindows
  createGatewayGuardrail: CreateGatewayGuardrail
  getGatewayGuardrail: GetGatewayGuardrail
  deleteGatewayGuardrail: DeleteGatewayGuardrail
  listGatewayGuardrails: ListGatewayGuardrails
  addGuardrailToEndpoint: AddGuardrailToEndpoint
  removeGuardrailFromEndpoint: RemoveGuardrailFromEndpoint
  listEndpointGuardrailConfigs: ListEndpointGuardrailConfigs
  updateEndpointGuardrailConfig: UpdateEndpointGuardrailConfig
  createPromptOptimizationJob: CreatePromptOptimizationJob
  getPromptOptimizationJob: GetPromptOptimizationJob
  searchPromptOptimizationJobs: SearchPromptOptimizationJobs
  cancelPromptOptimizationJob: CancelPromptOptimizationJob
  deletePromptOptimizationJob: DeletePromptOptimizationJob
  createReviewQueue: CreateReviewQueue
  getOrCreateUserQueue: GetOrCreateUserQueue
  getReviewQueue: GetReviewQueue
  getReviewQueueByName: GetReviewQueueByName
  listReviewQueues: ListReviewQueues
  updateReviewQueue: UpdateReviewQueue
  deleteReviewQueue: DeleteReviewQueue
  addItemsToReviewQueue: AddItemsToReviewQueue
  removeItemsFromReviewQueue: RemoveItemsFromReviewQueue
  listReviewQueueItems: ListReviewQueueItems
  setReviewQueueItemStatus: SetReviewQueueItemStatus
  createRegisteredModel: CreateRegisteredModel
  renameRegisteredModel: RenameRegisteredModel
  updateRegisteredModel: UpdateRegisteredModel
  deleteRegisteredModel: DeleteRegisteredModel
  getRegisteredModel: GetRegisteredModel
  searchRegisteredModels: SearchRegisteredModels
  getLatestVersions: GetLatestVersions
  createModelVersion: CreateModelVersion
  updateModelVersion: UpdateModelVersion
  transitionModelVersionStage: TransitionModelVersionStage
  deleteModelVersion: DeleteModelVersion
  getModelVersion: GetModelVersion
  searchModelVersions: SearchModelVersions
  getModelVersionDownloadUri: GetModelVersionDownloadUri
  setRegisteredModelTag: SetRegisteredModelTag
  setModelVersionTag: SetModelVersionTag
  deleteRegisteredModelTag: DeleteRegisteredModelTag
  deleteModelVersionTag: DeleteModelVersionTag
  setRegisteredModelAlias: SetRegisteredModelAlias
  deleteRegisteredModelAlias: DeleteRegisteredModelAlias
  getModelVersionByAlias: GetModelVersionByAlias
  downloadArtifact: DownloadArtifact
  uploadArtifact: UploadArtifact
  listProxiedArtifacts: ListProxiedArtifacts
  deleteArtifact: DeleteArtifact
  createMultipartUpload: CreateMultipartUpload
  completeMultipartUpload: CompleteMultipartUpload
  abortMultipartUpload: AbortMultipartUpload
  getPresignedDownloadUrl: GetPresignedDownloadUrl
  createWebhook: CreateWebhook
  listWebhooks: ListWebhooks
  getWebhook: GetWebhook
  updateWebhook: UpdateWebhook
  deleteWebhook: DeleteWebhook
  testWebhook: TestWebhook
}

export interface Responses {
  getExperimentByName: GetExperimentByNameResponse
  createExperiment: CreateExperimentResponse
  searchExperiments: SearchExperimentsResponse
  getExperiment: GetExperimentResponse
  deleteExperiment: DeleteExperimentResponse
  restoreExperiment: RestoreExperimentResponse
  updateExperiment: UpdateExperimentResponse
  createRun: CreateRunResponse
  updateRun: UpdateRunResponse
  deleteRun: DeleteRunResponse
  restoreRun: RestoreRunResponse
  logMetric: LogMetricResponse
  logParam: LogParamResponse
  setExperimentTag: SetExperimentTagResponse
  deleteExperimentTag: DeleteExperimentTagResponse
  setTag: SetTagResponse
  setTraceTag: SetTraceTagResponse
  setTraceTagV3: SetTraceTagV3Response
  deleteTraceTag: DeleteTraceTagResponse
  deleteTraceTagV3: DeleteTraceTagV3Response
  deleteTag: DeleteTagResponse
  getRun: GetRunResponse
  searchRuns: SearchRunsResponse
  listArtifacts: ListArtifactsResponse
  createPresignedUploadUrl: CreatePresignedUploadUrlResponse
  createPresignedDownloadUrl: CreatePresignedDownloadUrlResponse
  getMetricHistory: GetMetricHistoryResponse
  getMetricHistoryBulkInterval: GetMetricHistoryBulkIntervalResponse
  logBatch: LogBatchResponse
  logModel: LogModelResponse
  logInputs: LogInputsResponse
  logOutputs: LogOutputsResponse
  searchDatasets: SearchDatasetsResponse
  startTrace: StartTraceResponse
  endTrace: EndTraceResponse
  getTraceInfo: GetTraceInfoResponse
  getTraceInfoV3: GetTraceInfoV3Response
  getTrace: GetTraceResponse
  batchGetTraces: BatchGetTracesResponse
  batchGetTraceInfos: BatchGetTraceInfosResponse
  searchTraces: SearchTracesResponse
  searchTracesV3: SearchTracesV3Response
  startTraceV3: StartTraceV3Response
  linkTracesToRun: LinkTracesToRunResponse
  linkPromptsToTrace: LinkPromptsToTraceResponse
  searchUnifiedTraceHandler: SearchUnifiedTracesResponse
  getOnlineTraceDetails: GetOnlineTraceDetailsResponse
  deleteTraces: DeleteTracesResponse
  deleteTracesV3: DeleteTracesV3Response
  calculateTraceFilterCorrelation: CalculateTraceFilterCorrelationResponse
  queryTraceMetrics: QueryTraceMetricsResponse
  listWorkspaces: ListWorkspacesResponse
  createWorkspace: CreateWorkspaceResponse
  getWorkspace: GetWorkspaceResponse
  updateWorkspace: UpdateWorkspaceResponse
  deleteWorkspace: DeleteWorkspaceResponse
  createLoggedModel: CreateLoggedModelResponse
  finalizeLoggedModel: FinalizeLoggedModelResponse
  getLoggedModel: GetLoggedModelResponse
  deleteLoggedModel: DeleteLoggedModelResponse
  searchLoggedModels: SearchLoggedModelsResponse
  setLoggedModelTags: SetLoggedModelTagsResponse
  deleteLoggedModelTag: DeleteLoggedModelTagResponse
  listLoggedModelArtifacts: ListLoggedModelArtifactsResponse
  logLoggedModelParams: LogLoggedModelParamsRequestResponse
  getAssessment: GetAssessmentRequestResponse
  createAssessment: CreateAssessmentResponse
  updateAssessment: UpdateAssessmentResponse
  deleteAssessment: DeleteAssessmentResponse
  createIssue: CreateIssueResponse
  updateIssue: UpdateIssueResponse
  getIssue: GetIssueResponse
  searchIssues: SearchIssuesResponse
  createLabelSchema: CreateLabelSchemaResponse
  getLabelSchema: GetLabelSchemaResponse
  getLabelSchemaByName: GetLabelSchemaByNameResponse
  listLabelSchemas: ListLabelSchemasResponse
  updateLabelSchema: UpdateLabelSchemaResponse
  deleteLabelSchema: DeleteLabelSchemaResponse
  createDataset: CreateDatasetResponse
  getDataset: GetDatasetResponse
  deleteDataset: DeleteDatasetResponse
  searchEvaluationDatasets: SearchEvaluationDatasetsResponse
  setDatasetTags: SetDatasetTagsResponse
  deleteDatasetTag: DeleteDatasetTagResponse
  upsertDatasetRecords: UpsertDatasetRecordsResponse
  getDatasetExperimentIds: GetDatasetExperimentIdsResponse
  registerScorer: RegisterScorerResponse
  listScorers: ListScorersResponse
  listScorerVersions: ListScorerVersionsResponse
  getScorer: GetScorerResponse
  deleteScorer: DeleteScorerResponse
  getDatasetRecords: GetDatasetRecordsResponse
  deleteDatasetRecords: DeleteDatasetRecordsResponse
  addDatasetToExperiments: AddDatasetToExperimentsResponse
  removeDatasetFromExperiments: RemoveDatasetFromExperimentsResponse
  createGatewaySecret: CreateGatewaySecretResponse
  getGatewaySecretInfo: GetGatewaySecretInfoResponse
  updateGatewaySecret: UpdateGatewaySecretResponse
  deleteGatewaySecret: DeleteGatewaySecretResponse
  listGatewaySecretInfos: ListGatewaySecretInfosResponse
  createGatewayEndpoint: CreateGatewayEndpointResponse
  getGatewayEndpoint: GetGatewayEndpointResponse
  updateGatewayEndpoint: UpdateGatewayEndpointResponse
  deleteGatewayEndpoint: DeleteGatewayEndpointResponse
  listGatewayEndpoints: ListGatewayEndpointsResponse
  createGatewayModelDefinition: CreateGatewayModelDefinitionResponse
  getGatewayModelDefinition: GetGatewayModelDefinitionResponse
  listGatewayModelDefinitions: ListGatewayModelDefinitionsResponse
  updateGatewayModelDefinition: UpdateGatewayModelDefinitionResponse
  deleteGatewayModelDefinition: DeleteGatewayModelDefinitionResponse
  attachModelToEndpoint: AttachModelToGatewayEndpointResponse
  detachModelFromEndpoint: DetachModelFromGatewayEndpointResponse
  createEndpointBinding: CreateGatewayEndpointBindingResponse
  deleteEndpointBinding: DeleteGatewayEndpointBindingResponse
  listEndpointBindings: ListGatewayEndpointBindingsResponse
  setGatewayEndpointTag: SetGatewayEndpointTagResponse
  deleteGatewayEndpointTag: DeleteGatewayEndpointTagResponse
  createBudgetPolicy: CreateGatewayBudgetPolicyResponse
  getBudgetPolicy: GetGatewayBudgetPolicyResponse
  updateBudgetPolicy: UpdateGatewayBudgetPolicyResponse
  deleteBudgetPolicy: DeleteGatewayBudgetPolicyResponse
  listBudgetPolicies: ListGatewayBudgetPoliciesResponse
  listBudgetWindows: ListGatewayBudgetWindowsResponse
  createGatewayGuardrail: CreateGatewayGuardrailResponse
  getGatewayGuardrail: GetGatewayGuardrailResponse
  deleteGatewayGuardrail: DeleteGatewayGuardrailResponse
  listGatewayGuardrails: ListGatewayGuardrailsResponse
  addGuardrailToEndpoint: AddGuardrailToEndpointResponse
  removeGuardrailFromEndpoint: RemoveGuardrailFromEndpointResponse
  listEndpointGuardrailConfigs: ListEndpointGuardrailConfigsResponse
  updateEndpointGuardrailConfig: UpdateEndpointGuardrailConfigResponse
  createPromptOptimizationJob: CreatePromptOptimizationJobResponse
  getPromptOptimizationJob: GetPromptOptimizationJobResponse
  searchPromptOptimizationJobs: SearchPromptOptimizationJobsResponse
  cancelPromptOptimizationJob: CancelPromptOptimizationJobResponse
  deletePromptOptimizationJob: DeletePromptOptimizationJobResponse
  createReviewQueue: CreateReviewQueueResponse
  getOrCreateUserQueue: GetOrCreateUserQueueResponse
  getReviewQueue: GetReviewQueueResponse
  getReviewQueueByName: GetReviewQueueByNameResponse
  listReviewQueues: ListReviewQueuesResponse
  updateReviewQueue: UpdateReviewQueueResponse
  deleteReviewQueue: DeleteReviewQueueResponse
  addItemsToReviewQueue: AddItemsToReviewQueueResponse
  removeItemsFromReviewQueue: RemoveItemsFromReviewQueueResponse
  listReviewQueueItems: ListReviewQueueItemsResponse
  setReviewQueueItemStatus: SetReviewQueueItemStatusResponse
  createRegisteredModel: CreateRegisteredModelResponse
  renameRegisteredModel: RenameRegisteredModelResponse
  updateRegisteredModel: UpdateRegisteredModelResponse
  deleteRegisteredModel: DeleteRegisteredModelResponse
  getRegisteredModel: GetRegisteredModelResponse
  searchRegisteredModels: SearchRegisteredModelsResponse
  getLatestVersions: GetLatestVersionsResponse
  createModelVersion: CreateModelVersionResponse
  updateModelVersion: UpdateModelVersionResponse
  transitionModelVersionStage: TransitionModelVersionStageResponse
  deleteModelVersion: DeleteModelVersionResponse
  getModelVersion: GetModelVersionResponse
  searchModelVersions: SearchModelVersionsResponse
  getModelVersionDownloadUri: GetModelVersionDownloadUriResponse
  setRegisteredModelTag: SetRegisteredModelTagResponse
  setModelVersionTag: SetModelVersionTagResponse
  deleteRegisteredModelTag: DeleteRegisteredModelTagResponse
  deleteModelVersionTag: DeleteModelVersionTagResponse
  setRegisteredModelAlias: SetRegisteredModelAliasResponse
  deleteRegisteredModelAlias: DeleteRegisteredModelAliasResponse
  getModelVersionByAlias: GetModelVersionByAliasResponse
  downloadArtifact: DownloadArtifactResponse
  uploadArtifact: UploadArtifactResponse
  listProxiedArtifacts: ListProxiedArtifactsResponse
  deleteArtifact: DeleteArtifactResponse
  createMultipartUpload: CreateMultipartUploadResponse
  completeMultipartUpload: CompleteMultipartUploadResponse
  abortMultipartUpload: AbortMultipartUploadResponse
  getPresignedDownloadUrl: GetPresignedDownloadUrlResponse
  createWebhook: CreateWebhookResponse
  listWebhooks: ListWebhooksResponse
  getWebhook: GetWebhookResponse
  updateWebhook: UpdateWebhookResponse
  deleteWebhook: DeleteWebhookResponse
  testWebhook: TestWebhookResponse
}

export type MethodName = keyof Requests
