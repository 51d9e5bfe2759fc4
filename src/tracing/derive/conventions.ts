// The conventions that are understood, in the order they are asked. The keys are each project's own.
import { claudeCode } from './claude-code.ts'
import { translationOf, type Convention, type Translation } from './convention.ts'
import { geminiCli } from './gemini-cli.ts'
import { genAi } from './gen-ai.ts'
import { liveKit } from './live-kit.ts'
import { vercelAi } from './vercel-ai.ts'
import { voltAgent } from './volt-agent.ts'

const openInference: Convention = {
  kind: {
    key: 'openinference.span.kind',
    types: {
      TOOL: 'TOOL',
      CHAIN: 'CHAIN',
      LLM: 'LLM',
      RETRIEVER: 'RETRIEVER',
      EMBEDDING: 'EMBEDDING',
      AGENT: 'AGENT',
      RERANKER: 'RERANKER',
      UNKNOWN: 'UNKNOWN',
      GUARDRAIL: 'GUARDRAIL',
      EVALUATOR: 'EVALUATOR',
    },
  },
  inputTokens: 'llm.token_count.prompt',
  outputTokens: 'llm.token_count.completion',
  totalTokens: 'llm.token_count.total',
  cacheReadTokens: 'llm.token_count.prompt_details.cache_read',
  cacheWriteTokens: ['llm.token_count.prompt_details.cache_write'],
  inputs: ['input.value'],
  outputs: ['output.value'],
  models: ['llm.response.model_name', 'llm.model_name', 'llm.request.model_name', 'embedding.model_name'],
  provider: 'llm.provider',
}

/** Prompts and completions are events. */
const springAi: Convention = {
  kind: { key: 'gen_ai.operation.name', types: { chat: 'CHAT_MODEL', embeddings: 'EMBEDDING' } },
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  own: {
    inputsOfEvents: (events) => textOfEvent(events, 'gen_ai.content.prompt', 'gen_ai.prompt'),
    outputsOfEvents: (events) => textOfEvent(events, 'gen_ai.content.completion', 'gen_ai.completion'),
  },
}

function textOfEvent(
  events: Parameters<Translation['inputsOfEvents']>[0],
  name: string,
  key: string,
): string | undefined {
  const value = events.find((event) => event.name === name && event.attributes[key])?.attributes[key]
  return typeof value === 'string' ? value : undefined
}

const traceloop: Convention = {
  kind: {
    key: 'traceloop.span.kind',
    types: { workflow: 'WORKFLOW', task: 'TASK', agent: 'AGENT', tool: 'TOOL', unknown: 'UNKNOWN' },
  },
  inputTokens: 'gen_ai.usage.prompt_tokens',
  outputTokens: 'gen_ai.usage.completion_tokens',
  totalTokens: 'llm.usage.total_tokens',
  inputs: [
    'traceloop.entity.input',
    /^gen_ai\.prompt\.\d+\.content/v,
    /^gen_ai\.completion\.\d+\.tool_calls\.\d+\.arguments/v,
  ],
  outputs: ['traceloop.entity.output', /^gen_ai\.completion\.\d+\.content/v],
  provider: 'gen_ai.system',
}

const googleAdk: Convention = {
  inputs: ['gcp.vertex.agent.llm_request', 'gcp.vertex.agent.tool_call_args'],
  outputs: ['gcp.vertex.agent.llm_response', 'gcp.vertex.agent.tool_response'],
}

const laminar: Convention = {
  kind: {
    key: 'lmnr.span.type',
    types: {
      LLM: 'LLM',
      TOOL: 'TOOL',
      DEFAULT: 'CHAIN',
      PIPELINE: 'CHAIN',
      EXECUTOR: 'AGENT',
      EVALUATOR: 'EVALUATOR',
      HUMAN_EVALUATOR: 'EVALUATOR',
      EVALUATION: 'EVALUATOR',
      CACHED: 'LLM',
    },
  },
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  inputs: ['lmnr.span.input'],
  outputs: ['lmnr.span.output'],
  models: ['gen_ai.response.model', 'gen_ai.request.model'],
  provider: 'gen_ai.system',
  own: { messageFormat: (attributes) => (attributes.has('lmnr.span.type') ? 'openai' : undefined) },
}

const langfuse: Convention = {
  kind: {
    key: 'langfuse.observation.type',
    types: {
      generation: 'LLM',
      embedding: 'EMBEDDING',
      tool: 'TOOL',
      retriever: 'RETRIEVER',
      agent: 'AGENT',
      chain: 'CHAIN',
      evaluator: 'EVALUATOR',
      guardrail: 'GUARDRAIL',
      span: 'UNKNOWN',
    },
  },
  inputs: ['langfuse.observation.input'],
  outputs: ['langfuse.observation.output'],
}

export const conventions: readonly { readonly keys: Convention; readonly translation: Translation }[] = [
  openInference,
  geminiCli,
  claudeCode,
  genAi,
  springAi,
  traceloop,
  googleAdk,
  vercelAi,
  voltAgent,
  liveKit,
  laminar,
  langfuse,
].map((keys) => ({ keys, translation: translationOf(keys) }))
