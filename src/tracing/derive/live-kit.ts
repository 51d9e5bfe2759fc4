// LiveKit's voice agents.
import type { Attributes } from '../span.ts'
import { valueOf, type Convention } from './convention.ts'
import { genAi, inputMessages, outputMessages } from './gen-ai.ts'

const agentKeys = new Set(['lk.agent_name', 'lk.instructions', 'lk.generation_id'])
const speechKeys = new Set([
  'lk.user_transcript',
  'lk.transcript_confidence',
  'lk.transcription_delay',
  'lk.input_text',
])

function typeOf(attributes: Attributes): string | undefined {
  if (attributes.has('gen_ai.request.model')) return 'LLM'
  const operation = valueOf(attributes, 'gen_ai.operation.name')
  const named = typeof operation === 'string' ? genAi.kind?.types[operation.toLowerCase()] : undefined
  if (named) return named
  for (const key of attributes.keys()) {
    if (key === 'lk.retry_count') return 'LLM'
    if (key.startsWith('lk.function_tool')) return 'TOOL'
    if (agentKeys.has(key)) return 'AGENT'
    if (key.startsWith('lk.tts') || speechKeys.has(key)) return 'UNKNOWN'
  }
  return undefined
}

export const liveKit: Convention = {
  ...genAi,
  inputs: ['lk.user_input', 'lk.user_transcript', 'lk.chat_ctx', 'lk.input_text'],
  outputs: ['lk.response.text', 'lk.response.function_calls'],
  own: {
    type: typeOf,
    messageFormat: (attributes) =>
      [...attributes.keys()].some((key) => key.startsWith('lk.')) ? 'livekit' : undefined,
    inputsOfEvents: inputMessages,
    outputsOfEvents: outputMessages,
  },
}
