// OpenTelemetry's own conventions for generative AI.
import type { Convention, ReadEvent } from './convention.ts'
import { parsedOrText, pythonJson } from '../python-json.ts'

export const genAi: Convention = {
  kind: {
    key: 'gen_ai.operation.name',
    types: {
      chat: 'CHAT_MODEL',
      create_agent: 'AGENT',
      embeddings: 'EMBEDDING',
      execute_tool: 'TOOL',
      generate_content: 'LLM',
      invoke_agent: 'AGENT',
      text_completion: 'LLM',
      response: 'LLM',
    },
  },
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  // The second is its name in an earlier registry.
  cacheWriteTokens: ['gen_ai.usage.cache_write.input_tokens', 'gen_ai.usage.cache_creation.input_tokens'],
  inputs: ['gen_ai.input.messages', 'gen_ai.tool.call.arguments'],
  outputs: ['gen_ai.output.messages', 'gen_ai.tool.call.result'],
  models: ['gen_ai.response.model', 'gen_ai.request.model'],
  provider: 'gen_ai.provider.name',
  tools: ['gen_ai.tool.definitions'],
}

const readText = (value: unknown): unknown => (typeof value === 'string' ? parsedOrText(value) : value)
const roles = new Map([
  ['gen_ai.system.message', 'system'],
  ['gen_ai.user.message', 'user'],
  ['gen_ai.assistant.message', 'assistant'],
])

/** The messages of a chat that are events, as JSON. */
export function inputMessages(events: readonly ReadEvent[]): string | undefined {
  const messages = events.flatMap(({ name, attributes: { content } }) => {
    const role = roles.get(name)
    return role && content ? [{ role, content: readText(content) }] : []
  })
  return messages.length > 0 ? pythonJson(messages) : undefined
}

export function outputMessages(events: readonly ReadEvent[]): string | undefined {
  const messages = events.flatMap(({ name, attributes: { content, role = 'assistant' } }) =>
    name === 'gen_ai.choice' && content ? [{ role: readText(role), content: readText(content) }] : [],
  )
  return messages.length > 0 ? pythonJson(messages) : undefined
}
