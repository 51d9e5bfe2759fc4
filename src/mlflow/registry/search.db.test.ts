// Searching models and versions as MLflow's clients do: filters, orders, pages and prompts, on both databases.
import { expect, test } from 'vitest'
import { openRegistry, type RegistryTest } from './testing.ts'

interface Named {
  readonly name: string
  readonly version: string
}

async function fill(registry: RegistryTest): Promise<void> {
  const tag = (key: string, value: string) => ({ key, value })
  const models = [
    ['alpha', [tag('team', 'ops'), tag('tier', '1')]],
    ['Beta', [tag('team', 'Ops')]],
    ['gamma_x', [tag('team', 'science'), tag('tier', '2')]],
    ['delta', []],
    ['greeting', [tag('mlflow.prompt.is_prompt', 'true'), tag('team', 'ops')]],
  ] as const
  for (const [name, tags] of models) {
    await registry.call('POST', 'registered-models/create', { name, tags })
    const isPrompt = name === 'greeting'
    for (const version of isPrompt ? [1] : [1, 2]) {
      const fields = isPrompt
        ? { source: 'prompt-template', tags: [tags[0]] }
        : { source: `s3://b/${name}/${version}`, run_id: `run${version}`, tags: [tag('v', String(version))] }
      await registry.call('POST', 'model-versions/create', { name, ...fields })
    }
  }
}

const models = async (registry: RegistryTest, fields: object): Promise<string[]> => {
  const { status, json } = await registry.call('GET', 'registered-models/search', fields)
  return status === 200 ? (json.registered_models ?? []).map(({ name }: Named) => name) : [json.message]
}
const versions = async (registry: RegistryTest, fields: object): Promise<string[]> => {
  const { status, json } = await registry.call('GET', 'model-versions/search', fields)
  return status === 200
    ? (json.model_versions ?? []).map(({ name, version }: Named) => `${name}/${version}`)
    : [json.message]
}

test('models are found by name and tags', async () => {
  await using registry = await openRegistry()
  await fill(registry)
  const found = (filter: string) => models(registry, { filter })
  expect(await models(registry, {})).toEqual(['Beta', 'alpha', 'delta', 'gamma_x'])
  expect(await found("name = 'alpha'")).toEqual(['alpha'])
  expect(await found("name != 'alpha'")).toEqual(['Beta', 'delta', 'gamma_x'])
  expect(await found("name LIKE '%a_x'")).toEqual(['gamma_x'])
  expect(await found("name LIKE 'b%'")).toEqual([])
  expect(await found("name ILIKE 'b%'")).toEqual(['Beta'])
  expect(await found("name IN ('delta', 'Beta')")).toEqual(['Beta', 'delta'])
  expect(await found("tags.team = 'ops'")).toEqual(['alpha'])
  expect(await found("tags.team != 'ops'")).toEqual(['Beta', 'gamma_x'])
  expect(await found("tags.team ILIKE 'OPS'")).toEqual(['Beta', 'alpha'])
  expect(await found("tags.team LIKE '%s' AND tags.tier = '1'")).toEqual(['alpha'])
  expect(await found("tags.tier = '1' OR tags.tier = '2'")).toEqual(['alpha', 'gamma_x'])
  expect(await found("NOT tags.team = 'ops'")).toEqual(['Beta', 'delta', 'gamma_x'])
  expect(await found("tags.none = 'x'")).toEqual([])
  expect((await found("description = 'x'"))[0]).toContain("Invalid attribute key 'description' specified")
  expect((await found("tags.team IN ('ops')"))[0]).toBe('Invalid comparator for tag: IN')
})

test('prompts are left out unless the filter asks for them', async () => {
  await using registry = await openRegistry()
  await fill(registry)
  const key = 'tags.`mlflow.prompt.is_prompt`'
  const all = ['Beta', 'alpha', 'delta', 'gamma_x']
  expect(await models(registry, { filter: `${key} = 'true'` })).toEqual(['greeting'])
  expect(await models(registry, { filter: `${key} != 'false' AND tags.team = 'ops'` })).toEqual(['greeting'])
  expect(await models(registry, { filter: `${key} = 'false'` })).toEqual(all)
  expect(await models(registry, { filter: `${key} != 'true'` })).toEqual(all)
  expect(await models(registry, { filter: "name = 'greeting'" })).toEqual([])
  expect(await versions(registry, { filter: `${key} = 'true'` })).toEqual(['greeting/1'])
  expect(await versions(registry, { filter: "name = 'greeting'" })).toEqual([])
})

test('versions are found by name, run, source, number and tags', async () => {
  await using registry = await openRegistry()
  await fill(registry)
  const found = async (filter: string) => (await versions(registry, { filter })).toSorted()
  expect(await found("name = 'alpha'")).toEqual(['alpha/1', 'alpha/2'])
  expect(await found("run_id = 'run2' AND name LIKE '%a'")).toEqual(['Beta/2', 'alpha/2', 'delta/2'])
  expect(await found("run_id IN ('run1') AND name = 'Beta'")).toEqual(['Beta/1'])
  expect(await found("source_path = 's3://b/delta/1'")).toEqual(['delta/1'])
  expect(await found("source_path ILIKE '%DELTA%'")).toEqual(['delta/1', 'delta/2'])
  expect(await found("version_number >= 2 AND name = 'delta'")).toEqual(['delta/2'])
  expect(await found("tags.v = '1' AND name != 'alpha'")).toEqual(['Beta/1', 'delta/1', 'gamma_x/1'])
  expect((await found("version_number = 'x'"))[0]).toContain("Invalid value for numeric attribute 'version_number'")
  expect((await found('creation_timestamp > 1'))[0]).toContain("Invalid attribute key 'creation_timestamp'")
})

test('pages follow each other in every order, and a token of another search is refused', async () => {
  await using registry = await openRegistry()
  await fill(registry)
  const pages = async (path: string, list: string, fields: object): Promise<string[]> => {
    const seen: string[] = []
    for (let token: string | undefined = ''; token !== undefined;) {
      const { json } = await registry.call('GET', path, { ...fields, ...(token ? { page_token: token } : {}) })
      for (const { name, version } of json[list] as Named[]) seen.push(version ? `${name}/${version}` : name)
      token = json.next_page_token
    }
    return seen
  }
  for (const order of [['name'], ['name DESC'], ['last_updated_timestamp'], ['timestamp DESC', 'name DESC']]) {
    const all = await models(registry, { order_by: order })
    expect(all).toHaveLength(4)
    expect(await pages('registered-models/search', 'registered_models', { order_by: order, max_results: 1 })).toEqual(
      all,
    )
  }
  for (const order of [[], ['name DESC', 'version_number'], ['creation_timestamp'], ['version_number DESC']]) {
    const all = await versions(registry, { order_by: order })
    expect(all).toHaveLength(8)
    expect(await pages('model-versions/search', 'model_versions', { order_by: order, max_results: 3 })).toEqual(all)
  }
  expect((await versions(registry, { order_by: ['name', 'version_number DESC'] }))[1]).toBe('Beta/1')
  const { json } = await registry.call('GET', 'registered-models/search', { max_results: 1 })
  for (const page_token of ['junk', 'e30', json.next_page_token.slice(1)]) {
    expect((await models(registry, { page_token }))[0]).toContain('Invalid page token')
  }
  const other = { order_by: ['timestamp'], page_token: json.next_page_token }
  expect((await models(registry, other))[0]).toContain('Invalid page token')
})

test('limits are MLflow’s', async () => {
  await using registry = await openRegistry()
  await fill(registry)
  expect(await models(registry, { max_results: 0 })).toEqual([])
  expect((await models(registry, { max_results: 1001 }))[0]).toContain("parameter 'max_results'")
  expect((await versions(registry, { max_results: 0 }))[0]).toBe(
    'Invalid value for max_results. It must be a positive integer, but got 0',
  )
  expect((await versions(registry, { max_results: 200_001 }))[0]).toContain("parameter 'max_results'")
})
