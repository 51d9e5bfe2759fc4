// What a serialized scorer may not hold, as MLflow's server refuses it: code that would run where it is read, and hosts that its sender chose.
import { DomainError } from '../../platform/errors.ts'
import { isExactObject, parseExact, type ExactJson, type ExactObject } from '../../platform/exact-json.ts'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import { reprOf } from '../filter/python.ts'

const customCode =
  'Custom scorer registration (using @scorer decorator) is not supported: nothing is stored here that would run as code where it is read. Keep the scorer in your own code and pass it to mlflow.genai.evaluate(), or register a built-in scorer or a make_judge() scorer.'

/** Options by which a client of a language model finds its host. */
const destinations = ['api_base', 'base_url', 'model_list', 'fallbacks', 'custom_llm_provider']

/** @throws MlflowError INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST for a gateway's endpoint */
export function assertSerializedScorer(text: string): void {
  const scorer = parsed(text)
  if (!isExactObject(scorer)) throw invalidParameter('serialized_scorer must be a JSON object')
  if (holds(scorer, (object) => (object['call_source'] ?? null) !== null)) throw invalidParameter(customCode)
  visit(scorer, (object) => {
    const data = object['third_party_scorer_data']
    if (isExactObject(data)) assertNoDestination(data['kwargs'] ?? null)
  })
  assertModel(modelOf(scorer))
}

function parsed(text: string): ExactJson {
  try {
    return parseExact(text)
  } catch (error) {
    throw error instanceof DomainError ? invalidParameter('serialized_scorer must be valid JSON') : error
  }
}

function visit(value: ExactJson, look: (object: ExactObject) => void): void {
  if (Array.isArray(value)) for (const each of value as readonly ExactJson[]) visit(each, look)
  if (!isExactObject(value)) return
  look(value)
  for (const each of Object.values(value)) visit(each, look)
}

function holds(value: ExactJson, test: (object: ExactObject) => boolean): boolean {
  let found = false
  visit(value, (object) => {
    found ||= test(object)
  })
  return found
}

function assertNoDestination(kwargs: ExactJson): void {
  if (kwargs === null) return
  if (!isExactObject(kwargs)) {
    const type = Array.isArray(kwargs) ? 'list' : typeof kwargs === 'string' ? 'str' : typeof kwargs
    throw invalidParameter(`third_party_scorer_data.kwargs must be a JSON object, got ${type}.`)
  }
  const found = destinations.filter((name) => holdsKey(kwargs, name)).toSorted()
  if (found.length === 0) return
  throw invalidParameter(
    `third_party_scorer_data.kwargs must not contain ${found.map(reprOf).join(', ')}: these options choose where the scorer's LLM client sends requests. Configure the judge endpoint on the server instead, for example through a gateway endpoint ('gateway:/<name>') or the provider's environment variables.`,
  )
}

/** Python makes an object of a list of pairs too. */
function holdsKey(value: ExactJson, name: string): boolean {
  if (Array.isArray(value)) {
    const items = value as readonly ExactJson[]
    return (items.length === 2 && items[0] === name) || items.some((each) => holdsKey(each, name))
  }
  if (!isExactObject(value)) return false
  return Object.hasOwn(value, name) || Object.values(value).some((each) => holdsKey(each, name))
}

function modelOf(scorer: ExactObject): ExactJson | undefined {
  const judge = scorer['memory_augmented_judge_data']
  if (isExactObject(judge) && isExactObject(judge['base_judge'])) return modelOf(judge['base_judge'])
  for (const key of ['instructions_judge_pydantic_data', 'builtin_scorer_pydantic_data', 'third_party_scorer_data']) {
    const data = scorer[key]
    if (isExactObject(data)) return data['model']
  }
  return undefined
}

function assertModel(model: ExactJson | undefined): void {
  if (model === undefined || model === null) return
  if (typeof model !== 'string') throw invalidParameter('Scorer model must be a string.')
  if (model.trim() === '') throw invalidParameter('Scorer model cannot be empty or contain only whitespace.')
  const endpoint = /^gateway:\/(?<name>.*)$/sv.exec(model)?.groups?.['name']
  if (endpoint === undefined) return
  throw mlflowError('RESOURCE_DOES_NOT_EXIST', `GatewayEndpoint not found (name='${endpoint}')`)
}
