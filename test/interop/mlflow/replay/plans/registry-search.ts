// Searches of registered models and of versions.
import type { Plan } from '../call.ts'

export function planRegistrySearch({ post, get }: Plan): void {
  for (let index = 0; index < 5; index++) {
    post(`create model s${index}`, 'registered-models/create', {
      name: `reg-s${index}`,
      tags: [
        { key: 'area', value: 'search' },
        { key: 'n', value: String(index) },
      ],
    })
    post(`create version of s${index}`, 'model-versions/create', {
      name: `reg-s${index}`,
      source: `s3://bucket/s${index}`,
      tags: [
        { key: 'area', value: 'search' },
        { key: 'even', value: String(index % 2 === 0) },
      ],
      ...(index % 2 === 0 ? { run_id: '{{run}}' } : {}),
    })
  }
  const modelFilters = [
    "name = 'reg-s1'",
    "name != 'reg-s1' AND tags.area = 'search'",
    "name LIKE 'reg-s%'",
    "name ILIKE 'REG-S%'",
    "tags.n = '1'",
    "tags.n != '1'",
    "tags.n LIKE '1'",
    "tags.`n` = '1' AND tags.area = 'search'",
    "tag.n = '1'",
    "name IN ('reg-s1')",
    "name > 'a'",
    "tags.n > '1'",
    'tags.n IS NULL',
    'junk',
    "name = 'a' OR name = 'b'",
    "nonsense = 'x'",
    "attribute.name = 'reg-s1'",
    'name = reg-s1',
    "tags.none = 'x'",
    'version_number = 1',
  ]
  for (const [index, filter] of modelFilters.entries())
    get(`models ${index}: ${filter}`, 'registered-models/search', { filter })
  const mine = "name LIKE 'reg-s_'"
  for (const [index, order_by] of [
    ['name'],
    ['name DESC'],
    ['timestamp DESC', 'name'],
    ['last_updated_timestamp', 'name'],
    ['junk'],
    ['creation_timestamp'],
    ['name', 'name'],
    ['name SIDEWAYS'],
  ].entries())
    get(`models ordered ${index}`, 'registered-models/search', { filter: mine, order_by })
  for (const max_results of ['0', '-1', '1', '1000', '1001', 'x'])
    get(`models max_results ${max_results}`, 'registered-models/search', { filter: mine, max_results })
  get(
    'models, page 1',
    'registered-models/search',
    { filter: mine, max_results: '2' },
    { take: { mnext: 'next_page_token' } },
  )
  get('models, page 2', 'registered-models/search', { filter: mine, max_results: '2', page_token: '{{mnext}}' })
  get('models, junk token', 'registered-models/search', { filter: mine, page_token: 'junk' })
  const versionFilters = [
    "name = 'reg-s1'",
    "name LIKE 'reg-s%'",
    "name ILIKE 'REG-S%'",
    "run_id = '{{run}}'",
    "run_id IN ('{{run}}', 'x')",
    'run_id IN ()',
    "run_id NOT IN ('{{run}}')",
    "source_path = 's3://bucket/s1'",
    "source_path LIKE '%s2'",
    "version_number = 1 AND name LIKE 'reg-s%'",
    "version_number > 0 AND name LIKE 'reg-s%'",
    "version_number = '1'",
    "tags.even = 'true'",
    "tags.even != 'true'",
    "tags.even = 'true' AND tags.area = 'search'",
    "current_stage = 'None'",
    "name IN ('reg-s1')",
    "status = 'READY'",
    'junk',
    "user_id = 'x'",
    "name != 'reg-a' AND name LIKE 'reg-s%'",
    "model_id = 'x'",
    "version = '1'",
  ]
  for (const [index, filter] of versionFilters.entries())
    get(`versions ${index}: ${filter}`, 'model-versions/search', { filter, order_by: ['name', 'version_number'] })
  for (const [index, order_by] of [
    ['name'],
    ['version_number DESC', 'name'],
    ['creation_timestamp', 'name'],
    ['last_updated_timestamp DESC', 'name'],
    ['junk'],
    ['source_path'],
    ['name', 'name'],
  ].entries())
    get(`versions ordered ${index}`, 'model-versions/search', { filter: mine, order_by })
  for (const max_results of ['0', '-1', '1', '200000', '200001'])
    get(`versions max_results ${max_results}`, 'model-versions/search', { filter: "name = 'reg-s1'", max_results })
  get('versions of one model', 'model-versions/search', { filter: "name = 'reg-a'", order_by: 'version_number DESC' })
}
