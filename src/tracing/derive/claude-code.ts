// Claude Code: spans named by `span.type`, tokens without the cached ones, content that may be redacted.
import type { Attributes } from '../span.ts'
import { parsedOrText, pythonJson } from '../python-json.ts'
import { present, valueOf, type Convention } from './convention.ts'

const types = new Map([
  ['interaction', 'AGENT'],
  ['llm_request', 'LLM'],
  ['tool', 'TOOL'],
])
const toolDetails = ['full_command', 'file_path', 'skill_name', 'subagent_type']

/** Some versions write the kind with a prefix and some without. */
function kindOf(attributes: Attributes): string | undefined {
  const kind = valueOf(attributes, 'span.type')
  const name = typeof kind === 'string' ? kind.replace(/^claude_code\./v, '') : ''
  return types.has(name) ? name : undefined
}

function content(attributes: Attributes, key: string): string | undefined {
  const text = present(attributes, key)
  return text !== undefined && parsedOrText(text) !== '<REDACTED>' ? text : undefined
}

function integerAt(attributes: Attributes, key: string): number | undefined {
  const value = Number(valueOf(attributes, key) ?? Number.NaN)
  return Number.isFinite(value) ? Math.trunc(value) : undefined
}

const textOf = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value))

function inputsOf(attributes: Attributes): string | undefined {
  switch (kindOf(attributes)) {
    case 'interaction':
      return content(attributes, 'user_prompt') ?? content(attributes, 'new_context')
    case 'llm_request':
      return content(attributes, 'new_context')
    case 'tool': {
      const input = content(attributes, 'tool_input')
      if (input !== undefined) return input
      const details = toolDetails.flatMap((key) => {
        const text = content(attributes, key)
        return text === undefined ? [] : [[key, parsedOrText(text)] as const]
      })
      return details.length > 0 ? pythonJson(Object.fromEntries(details)) : undefined
    }
    case undefined:
    default:
      return undefined
  }
}

export const claudeCode: Convention = {
  own: {
    type: (attributes) => types.get(kindOf(attributes) ?? ''),
    tokens: (attributes) => {
      if (kindOf(attributes) !== 'llm_request') return {}
      const cacheRead = integerAt(attributes, 'cache_read_tokens')
      const cacheWrite = integerAt(attributes, 'cache_creation_tokens')
      const input = integerAt(attributes, 'input_tokens')
      const all = input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0)
      const output = integerAt(attributes, 'output_tokens')
      return {
        input: textOf(all),
        output: textOf(output),
        cacheRead: textOf(cacheRead),
        cacheWrite: textOf(cacheWrite),
      }
    },
    inputs: inputsOf,
    outputs: (attributes) => {
      const kind = kindOf(attributes)
      if (kind === 'llm_request') return content(attributes, 'response.model_output')
      return kind === 'tool' ? content(attributes, 'new_context') : undefined
    },
    outputsOfEvents: (events, attributes) => {
      if (kindOf(attributes) !== 'tool') return undefined
      for (const { name, attributes: sent } of events) {
        if (name !== 'tool.output') continue
        const found = ['output', 'content', 'diff']
          .map((key) => sent[key])
          .map((value) => (typeof value === 'string' ? parsedOrText(value) : value))
          .find((value) => value && value !== '<REDACTED>')
        if (found !== undefined) return pythonJson(found)
      }
      return undefined
    },
  },
}
