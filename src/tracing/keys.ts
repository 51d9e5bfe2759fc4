// Keys of attributes, tags and metadata that mean something to this stage. They are MLflow's.

/** Of a span's attributes. */
export const attributeKeys = {
  traceId: 'mlflow.traceRequestId',
  inputs: 'mlflow.spanInputs',
  outputs: 'mlflow.spanOutputs',
  type: 'mlflow.spanType',
  usage: 'mlflow.chat.tokenUsage',
  cost: 'mlflow.llm.cost',
  model: 'mlflow.llm.model',
  provider: 'mlflow.llm.provider',
  messageFormat: 'mlflow.message.format',
  tools: 'mlflow.chat.tools',
} as const

/** Of a trace's tags. */
export const tagKeys = {
  name: 'mlflow.traceName',
  spansLocation: 'mlflow.trace.spansLocation',
  artifactLocation: 'mlflow.artifactLocation',
  linkedPrompts: 'mlflow.linkedPrompts',
} as const
/** Of its metadata. */
export const metadataKeys = {
  session: 'mlflow.trace.session',
  user: 'mlflow.trace.user',
  tokens: 'mlflow.trace.tokenUsage',
  cost: 'mlflow.trace.cost',
  sourceRun: 'mlflow.sourceRun',
  sizes: 'mlflow.trace.sizeStats',
  /** Set once the client has told what the trace is as a whole: from then on spans change no times and no sums. */
  finalized: 'mlflow.trace.infoFinalized',
} as const
