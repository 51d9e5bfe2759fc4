// The Gemini command line: OpenTelemetry's conventions with operations of its own, its messages in the form of Gemini's SDK.
import type { Attributes } from '../span.ts'
import { parsedOrText, pythonJson } from '../python-json.ts'
import { firstPresent, valueOf, type Convention } from './convention.ts'
import { genAi } from './gen-ai.ts'

const isGemini = (attributes: Attributes): boolean => valueOf(attributes, 'gen_ai.agent.name') === 'gemini-cli'
const types = new Map<unknown, string>([
  ['llm_call', 'LLM'],
  ['tool_call', 'TOOL'],
  ['agent_call', 'AGENT'],
])

export const geminiCli: Convention = {
  ...genAi,
  own: {
    type: (attributes) => (isGemini(attributes) ? types.get(valueOf(attributes, 'gen_ai.operation.name')) : undefined),
    messageFormat: (attributes) => (isGemini(attributes) ? 'gemini' : undefined),
    inputs: (attributes) => {
      const text = isGemini(attributes) ? firstPresent(attributes, genAi.inputs ?? []) : undefined
      const value = text === undefined ? undefined : parsedOrText(text)
      return typeof value === 'string' || Array.isArray(value) ? pythonJson({ contents: value }) : text
    },
    outputs: (attributes) => {
      const text = isGemini(attributes) ? firstPresent(attributes, genAi.outputs ?? []) : undefined
      const value = text === undefined ? undefined : parsedOrText(text)
      if (!Array.isArray(value)) return text
      // One content for each piece that was streamed; a reader expects one candidate with all parts.
      const parts = value.flatMap((each) => {
        const found = (each as { parts?: unknown } | null)?.parts
        return Array.isArray(found) ? (found as unknown[]) : []
      })
      return parts.length > 0 ? pythonJson({ candidates: [{ content: { role: 'model', parts } }] }) : text
    },
  },
}
