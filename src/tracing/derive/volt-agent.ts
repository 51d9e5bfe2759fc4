// VoltAgent: messages in the form of a chat already.
import { valueOf, type Convention } from './convention.ts'

const types: Readonly<Record<string, string>> = { agent: 'AGENT', llm: 'LLM', tool: 'TOOL', memory: 'MEMORY' }

export const voltAgent: Convention = {
  inputs: ['agent.messages', 'llm.messages', 'input'],
  outputs: ['output'],
  own: {
    // A child carries the entity type of its agent, so its own type is asked first.
    type: (attributes) => {
      for (const key of ['span.type', 'entity.type']) {
        const name = valueOf(attributes, key)
        if (typeof name === 'string' && Object.hasOwn(types, name)) return types[name]
      }
      return undefined
    },
    tokens: (attributes) => {
      const at = (name: string): string | undefined =>
        attributes.get(`usage.${name}`) ?? attributes.get(`llm.usage.${name}`)
      return { input: at('prompt_tokens'), output: at('completion_tokens'), total: at('total_tokens') }
    },
    messageFormat: (attributes) =>
      attributes.has('voltagent.operation_id') || attributes.has('voltagent.conversation_id') ? 'voltagent' : undefined,
  },
}
