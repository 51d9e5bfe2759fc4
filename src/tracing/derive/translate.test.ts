// What instrumentations say, under MLflow's keys. What is expected was answered by MLflow 3.17.2 for the same spans over OTLP.
import { expect, test } from 'vitest'
import { contentOf, type SpanEvent } from '../span.ts'
import { testSpan } from '../testing.ts'
import { attributeOfString } from '../otlp/any-value.ts'
import { previewOf } from './preview.ts'
import { translated } from './translate.ts'
import { addUpTokens } from './usage.ts'

/** Attributes as exporters send them: text, numbers; the answer as JSON texts, without what was sent. */
function translate(sent: Readonly<Record<string, string | number>>, events: readonly SpanEvent[] = []) {
  const texts = Object.entries(sent).map(
    ([key, value]) => [key, typeof value === 'string' ? attributeOfString(value) : `${value}`] as const,
  )
  const span = { ...testSpan(), attributes: new Map(texts), events }
  const found = [...translated(span)].filter(([key]) => !Object.hasOwn(sent, key))
  return Object.fromEntries(found.map(([key, text]) => [key.replace('mlflow.', ''), text]))
}

const event = (name: string, attributes: object): SpanEvent => ({
  name,
  timeNs: 1n,
  attributes: JSON.stringify(attributes),
})

test('each convention that is understood', () => {
  const chat = '[{"role":"user","content":"hi"}]'
  expect(
    translate({
      'openinference.span.kind': 'LLM',
      'input.value': '{"q":1}',
      'output.value': 'plain',
      'llm.token_count.prompt': 5,
      'llm.token_count.completion': '7',
      'llm.model_name': 'm',
      'llm.provider': 'p',
    }),
  ).toEqual({
    spanType: '"LLM"',
    spanInputs: '{"q":1}',
    spanOutputs: '"plain"',
    'chat.tokenUsage': '{"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}',
    'llm.model': '"m"',
    'llm.provider': '"p"',
  })
  expect(
    translate({
      'gen_ai.operation.name': 'chat',
      'gen_ai.input.messages': chat,
      'gen_ai.usage.input_tokens': 3,
      'gen_ai.usage.output_tokens': 4,
      'gen_ai.usage.cache_creation.input_tokens': 2,
      'gen_ai.request.model': 'mm',
      'gen_ai.tool.definitions': '[1]',
    }),
  ).toEqual({
    spanType: '"CHAT_MODEL"',
    spanInputs: chat,
    'chat.tokenUsage': '{"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "cache_creation_input_tokens": 2}',
    'chat.tools': '[1]',
    'llm.model': '"mm"',
  })
  expect(
    translate({
      'traceloop.span.kind': 'workflow',
      'gen_ai.prompt.0.content': 'p',
      'gen_ai.completion.0.content': 'c',
      'llm.usage.total_tokens': 9,
    }),
  ).toEqual({
    spanType: '"WORKFLOW"',
    spanInputs: '"p"',
    spanOutputs: '"c"',
    'chat.tokenUsage': '{"total_tokens": 9}',
  })
  expect(
    translate({ 'ai.operationId': 'ai.generateText.doGenerate', 'ai.prompt.messages': chat, 'ai.response.text': 't' }),
  ).toEqual({
    spanType: '"LLM"',
    spanInputs: '{"messages": [{"role": "user", "content": "hi"}]}',
    spanOutputs: '{"text": "t"}',
    'message.format': '"vercel_ai"',
  })
  expect(
    translate({
      'span.type': 'claude_code.llm_request',
      input_tokens: 5,
      cache_read_tokens: 3,
      output_tokens: 2,
      new_context: '<REDACTED>',
      'response.model_output': 'out',
    }),
  ).toEqual({
    spanType: '"LLM"',
    spanOutputs: '"out"',
    'chat.tokenUsage': '{"input_tokens": 8, "output_tokens": 2, "total_tokens": 10, "cache_read_input_tokens": 3}',
  })
  expect(
    translate({
      'gen_ai.agent.name': 'gemini-cli',
      'gen_ai.operation.name': 'llm_call',
      'gen_ai.input.messages': '[{"role":"user","parts":[]}]',
      'gen_ai.output.messages': '[{"parts":[{"text":"a"}]},{"parts":[{"text":"b"}]}]',
    }),
  ).toEqual({
    spanType: '"LLM"',
    spanInputs: '{"contents": [{"role": "user", "parts": []}]}',
    spanOutputs: '{"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}, {"text": "b"}]}}]}',
    'message.format': '"gemini"',
  })
  expect(
    translate({ 'gen_ai.operation.name': 'chat' }, [
      event('gen_ai.user.message', { content: 'hey' }),
      event('gen_ai.choice', { content: 'yo' }),
    ]),
  ).toEqual({
    spanType: '"CHAT_MODEL"',
    spanInputs: '[{"role": "user", "content": "hey"}]',
    spanOutputs: '[{"role": "assistant", "content": "yo"}]',
  })
  expect(
    translate({ 'gen_ai.operation.name': 'embeddings' }, [event('gen_ai.content.prompt', { 'gen_ai.prompt': 'p' })]),
  ).toMatchObject({ spanType: '"EMBEDDING"', spanInputs: 'p' })
  expect(
    translate({
      'voltagent.operation_id': '1',
      'entity.type': 'agent',
      'agent.messages': chat,
      output: 'o',
      'usage.prompt_tokens': 3,
    }),
  ).toEqual({
    spanType: '"AGENT"',
    spanInputs: chat,
    spanOutputs: '"o"',
    'chat.tokenUsage': '{"input_tokens": 3}',
    'message.format': '"voltagent"',
  })
  expect(translate({ 'lk.agent_name': 'a', 'lk.user_input': 'u', 'lk.response.text': 'r' })).toEqual({
    spanType: '"AGENT"',
    spanInputs: '"u"',
    spanOutputs: '"r"',
    'message.format': '"livekit"',
  })
  expect(translate({ 'lmnr.span.type': 'TOOL', 'lmnr.span.input': '[1,2]' })).toEqual({
    spanType: '"TOOL"',
    spanInputs: '[1,2]',
    'message.format': '"openai"',
  })
  expect(translate({ 'langfuse.observation.type': 'generation', 'langfuse.observation.output': 'o' })).toEqual({
    spanType: '"LLM"',
    spanOutputs: '"o"',
  })
})

test('what MLflow’s own client says stays, and the model’s name is found in its inputs', () => {
  const own = {
    'mlflow.spanInputs': '{"model": "gpt", "q": 1}',
    'mlflow.spanType': 'TOOL',
    'openinference.span.kind': 'LLM',
    'input.value': 'other',
  }
  expect(translate(own)).toEqual({ 'llm.model': '"gpt"' })
  expect(translate({ 'mlflow.spanInputs': '{"model": {"a": 1}}', 'my.key': 'x' })).toEqual({})
})

test('a preview is the last message of a chat, or the start of the JSON', () => {
  const messages = [
    { role: 'user', content: 'first' },
    { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'last' }] },
    { role: 'assistant', content: 'answer' },
  ]
  expect(previewOf(JSON.stringify({ messages }), 'user')).toBe('last')
  expect(previewOf(JSON.stringify({ request: { input: messages } }), 'assistant')).toBe('answer')
  expect(previewOf(JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'c' } }] }), 'assistant')).toBe(
    'c',
  )
  expect(previewOf('{"q": "é"}', 'user')).toBe('{"q": "é"}')
  const long = previewOf(JSON.stringify('🚀'.repeat(2000)), 'user')
  expect([Array.from(long).length, long.endsWith('🚀...')]).toEqual([1000, true])
})

test('numbers below a span that counts are not counted again, whatever the order and the circles of parents', () => {
  const node = (spanId: string, parentSpanId: string | null, input_tokens?: number) => ({
    spanId,
    parentSpanId,
    counts: input_tokens === undefined ? null : { input_tokens },
  })
  const tree = [
    node('leaf', 'middle', 1),
    node('middle', 'root'),
    node('root', null, 10),
    node('other', 'gone', 5),
    node('below', 'other', 4),
  ]
  expect(addUpTokens(tree)).toEqual({ input_tokens: 15, output_tokens: 0, total_tokens: 0 })
  expect(addUpTokens(tree.toReversed())).toEqual(addUpTokens(tree))
  expect(addUpTokens([node('a', 'b'), node('b', 'a')])).toBeNull()
  const deep = Array.from({ length: 20_000 }, (_, index) =>
    node(`${index}`, index === 0 ? null : `${index - 1}`, index === 19_999 ? 3 : undefined),
  )
  expect(addUpTokens(deep)).toMatchObject({ input_tokens: 3 })
})

test('a span’s text is JSON whatever it holds', () => {
  const odd = {
    ...testSpan({ name: 'a"\u0000\n', attributes: { k: '"\\' } }),
    statusMessage: '\u2028',
    links: [{ traceId: 'tr-1', spanId: '1', attributes: null }],
  }
  expect(JSON.parse(contentOf(odd, odd.attributes))).toMatchObject({
    name: 'a"\u0000\n',
    status: { message: '\u2028' },
    attributes: { k: String.raw`"\"\\"` },
  })
})
