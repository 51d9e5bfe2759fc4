// The start of a request or response that lists show: of a chat its last message, else the JSON.
import { parsedOrText } from '../python-json.ts'

const previewLength = 1000

interface Message {
  readonly role: unknown
  readonly content: unknown
}

/** `role` is whose message of a chat is shown when there is one. */
export function previewOf(text: string, role: 'user' | 'assistant'): string {
  const messages = messagesOf(parsedOrText(text))
  const message = messages?.findLast((each) => each.role === role) ?? messages?.at(-1)
  const shown = (message && textOf(message)) || text
  // By code point, as clients count.
  if (shown.length <= previewLength) return shown
  const characters = Array.from(shown.slice(0, 2 * previewLength + 2))
  return characters.length <= previewLength ? shown : `${characters.slice(0, previewLength - 3).join('')}...`
}

function messagesOf(value: unknown): Message[] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { messages, choices, input, output, request } = value as Record<string, unknown>
  if (isFilled(messages)) return messages.filter(isMessage)
  if (isFilled(choices)) {
    const message = (choices[0] as { message?: unknown } | null)?.message
    if (isMessage(message)) return [message]
  }
  if (isFilled(input)) return input.filter(isMessage)
  if (isFilled(output)) return output.filter(isMessage)
  return messagesOf(request)
}

const isFilled = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0

const isMessage = (value: unknown): value is Message =>
  typeof value === 'object' && value !== null && 'role' in value && 'content' in value

function textOf({ content }: Message): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  for (const part of content as unknown[]) {
    if (typeof part === 'string') return part
    const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown }
    if ((type === 'text' || type === 'output_text') && typeof text === 'string') return text
  }
  return ''
}
