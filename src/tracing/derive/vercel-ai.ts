// Vercel's AI SDK: a chat's inputs and outputs are spread over attributes of one prefix.
import type { Attributes } from '../span.ts'
import { parsedOrText, pythonJson } from '../python-json.ts'
import { firstPresent, valueOf, type Convention } from './convention.ts'

const inputs = ['ai.prompt', 'ai.toolCall.args', 'ai.value', 'ai.values']
const outputs = ['ai.response.text', 'ai.toolCall.result', 'ai.response.object', 'ai.embedding', 'ai.embeddings']
const llm = ['generateText', 'streamText', 'generateObject', 'streamObject'].map((name) => `ai.${name}`)
const types = Object.fromEntries([
  ...llm.map((name) => [name, 'LLM']),
  ...['generateText.doGenerate', 'streamText.doStream', 'generateObject.doGenerate', 'streamObject.doStream'].map(
    (name) => [`ai.${name}`, 'LLM'],
  ),
  ['ai.toolCall', 'TOOL'],
  ...['embed', 'embed.doEmbed', 'embedMany'].map((name) => [`ai.${name}`, 'EMBEDDING']),
]) as Record<string, string>

const isChat = (attributes: Attributes): boolean =>
  ['ai.generateText.doGenerate', 'ai.streamText.doStream'].includes(String(valueOf(attributes, 'ai.operationId')))

/** Texts in texts, up to three deep. */
function unwrapped(value: unknown, depth = 3): unknown {
  if (typeof value !== 'string' || depth === 0) return value
  const inner = parsedOrText(value)
  return inner === value ? value : unwrapped(inner, depth - 1)
}

function gathered(attributes: Attributes, prefix: string): Record<string, unknown> {
  const pairs = [...attributes].filter(([key]) => key.startsWith(prefix))
  return Object.fromEntries(pairs.map(([key, text]) => [key.slice(prefix.length), unwrapped(text)]))
}

const textOf = (found: Record<string, unknown>): string | undefined =>
  Object.keys(found).length > 0 ? pythonJson(found) : undefined

export const vercelAi: Convention = {
  kind: { key: 'ai.operationId', types },
  inputs,
  outputs,
  own: {
    inputs: (attributes) => {
      if (!isChat(attributes)) return firstPresent(attributes, inputs)
      const found = gathered(attributes, 'ai.prompt.')
      const tools = found['tools']
      return textOf(Array.isArray(tools) ? { ...found, tools: tools.map((tool) => unwrapped(tool)) } : found)
    },
    outputs: (attributes) =>
      isChat(attributes) ? textOf(gathered(attributes, 'ai.response.')) : firstPresent(attributes, outputs),
    messageFormat: (attributes) => (isChat(attributes) ? 'vercel_ai' : undefined),
  },
}
