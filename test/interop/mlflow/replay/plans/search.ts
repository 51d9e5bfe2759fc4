// Searches of runs and experiments: every operator on every kind of key, orders, pages, and what is not in the grammar.
import type { Plan } from '../call.ts'

const runFilters = [
  'metrics.m > 3',
  'metrics.m >= 3',
  'metrics.m < 3',
  'metrics.m <= 3',
  'metrics.m = 3',
  'metrics.m != 3',
  'metric.m > 3',
  'metrics."m" > 3',
  'metrics.`m` > 3',
  'metrics.m > -1e1',
  "metrics.m > '3'",
  'metrics.m LIKE 3',
  'metrics.m',
  'metrics.m >',
  'metrics.m > abc',
  'metrics.m IS NULL',
  'metrics.m IN (1, 2)',
  'metrics.none > 0',
  'metrics.nan = 0',
  'metrics.nan > 0',
  'metrics.m > 1 AND metrics.m < 5',
  "metrics.m > 1 and params.p = 'a'",
  'METRICS.m > 3',
  'metrics.a.b > 0',
  'metrics.`with space` > 0',
  "params.p = 'a'",
  "params.p != 'a'",
  "params.p LIKE 'A%'",
  "params.p ILIKE 'A%'",
  "params.p LIKE '%a%'",
  'params.p = "a"',
  'params.p = a',
  'params.p = 1',
  "params.p > 'a'",
  "params.p IN ('a', 'b')",
  "params.p NOT IN ('a')",
  'params.p IS NULL',
  'params.p IS NOT NULL',
  'params.none IS NULL',
  "params.none != 'a'",
  "parameter.p = 'a'",
  "param.p = 'a'",
  "parameters.p = 'a'",
  "params.`p` = 'a'",
  "params.p = 'it''s'",
  "params.p = ''",
  "params.p like 'a%'",
  "params.p iLike 'a%'",
  "tags.t = 'x'",
  "tags.t != 'x'",
  "tag.t = 'x'",
  "tags.t LIKE '_'",
  "tags.t ILIKE 'X'",
  'tags.t IS NULL',
  'tags.t IS NOT NULL',
  "tags.mlflow.runName = 'run-1'",
  "tags.`mlflow.runName` LIKE 'run%'",
  'tags."mlflow.runName" = \'run-2\'',
  "tags.t > 'a'",
  "tags.t IN ('x')",
  "attributes.status = 'FINISHED'",
  "attributes.status != 'FINISHED'",
  "status = 'RUNNING'",
  "attribute.status = 'FINISHED'",
  "attr.status = 'FINISHED'",
  "run.status = 'FINISHED'",
  "status = 'bogus'",
  "status LIKE 'FIN%'",
  "status IN ('FINISHED')",
  "attributes.run_name = 'run-1'",
  "run_name LIKE 'run-%'",
  "attributes.`run name` = 'run-1'",
  "attributes.Run_name = 'run-1'",
  "run_id = '{{r1}}'",
  "run_id != '{{r1}}'",
  "run_id IN ('{{r1}}', '{{r2}}')",
  "run_id NOT IN ('{{r1}}')",
  'run_id IN ()',
  "run_id IN ('{{r1}}'",
  "run_id LIKE '%'",
  'start_time > 1000',
  "start_time > '1000'",
  'start_time = 2000',
  'start_time != 2000',
  'start_time IN (1)',
  'end_time > 0',
  'attributes.end_time IS NULL',
  'created > 1000',
  'attributes.Created > 1000',
  "user_id = 'ann'",
  "attributes.user_id LIKE 'a%'",
  "artifact_uri LIKE '%artifacts'",
  "attributes.experiment_id = '1'",
  "attributes.lifecycle_stage = 'active'",
  "nonsense = 'x'",
  "attributes.nonsense = 'x'",
  "dataset.name = 'd1'",
  "datasets.name LIKE 'd%'",
  "dataset.name IN ('d1', 'd2')",
  "dataset.name NOT IN ('d1')",
  "dataset.digest = 'dg1'",
  "dataset.context = 'train'",
  "datasets.context ILIKE 'TRAIN'",
  "dataset.nonsense = 'x'",
  "dataset.name > 'x'",
  "dataset.name = 'd1' AND dataset.context = 'train'",
  'metrics.m > 1 OR metrics.m < 0',
  '(metrics.m > 1)',
  'NOT metrics.m > 1',
  'metrics.m > 1 AND',
  'AND metrics.m > 1',
  'metrics.m BETWEEN 1 AND 2',
  ';',
  "params.p = 'a'; drop table runs",
  '-- comment',
  "params.p = 'a' AND params.p = 'b'",
  "params.p = 'a' AND tags.t = 'x' AND metrics.m > 0 AND status = 'FINISHED'",
  '   ',
  'junk',
  '!!',
  "'a' = params.p",
  'metrics.m == 3',
  'metrics.m <> 3',
  "params.p = 'a",
  'foo.bar > 1',
  'metrics. > 1',
  '.m > 1',
  "params.p = '模'",
  "params.größe = 'ü'",
]
const orders = [
  ['metrics.m'],
  ['metrics.m ASC'],
  ['metrics.m DESC'],
  ['metrics.nan DESC'],
  ['metrics.none'],
  ['params.p'],
  ['params.p DESC', 'metrics.m'],
  ['tags.t DESC'],
  ['attributes.start_time'],
  ['start_time DESC'],
  ['run_name'],
  ['status'],
  ['end_time ASC'],
  ['metrics.m', 'metrics.m DESC'],
  ['junk'],
  ['metrics.m SIDEWAYS'],
  ['metrics.`m` desc'],
  [''],
  ['metrics'],
  ['attributes.nonsense'],
  ['parameters.p'],
  ['user_id', 'start_time'],
  ['metrics.m, params.p'],
  ['dataset.name'],
]

export function planSearch(plan: Plan): void {
  fill(plan)
  searchRuns(plan)
  searchExperiments(plan)
  searchDatasets(plan)
}

function fill({ post, random, pick }: Plan): void {
  for (const name of ['one', 'two', 'away'])
    post(
      `create experiment ${name}`,
      'experiments/create',
      {
        name: `search-${name}`,
        tags: [
          { key: 'area', value: 'search' },
          { key: 'n', value: name },
        ],
      },
      { take: { [name]: 'experiment_id' } },
    )
  for (let index = 0; index < 12; index++) {
    const experiment_id = index < 9 ? '{{one}}' : '{{two}}'
    post(
      `create run ${index}`,
      'runs/create',
      {
        experiment_id,
        user_id: pick(['ann', 'bob']),
        run_name: `run-${index}`,
        start_time: 1000 * (1 + Math.floor(index / 2)) + index,
        tags: [{ key: 't', value: pick(['x', 'y', 'X']) }],
      },
      { take: { [`r${index}`]: 'run.info.run_id' } },
    )
    const metrics =
      index === 5
        ? []
        : [
            { key: 'm', value: index === 7 ? 'NaN' : random.integer(8), timestamp: 1, step: 0 },
            { key: 'a.b', value: index, timestamp: 1, step: 0 },
            { key: 'with space', value: index, timestamp: 1, step: 0 },
          ]
    if (index % 4 === 0) metrics.push({ key: 'nan', value: 'NaN', timestamp: 1, step: 0 })
    if (index % 4 === 1) metrics.push({ key: 'nan', value: 0, timestamp: 1, step: 0 })
    const params =
      index === 6
        ? []
        : [
            { key: 'p', value: ['a', 'A', 'ab', 'b', '', "it's", '模'][index % 7]! },
            { key: 'größe', value: 'ü' },
          ]
    post(`log to run ${index}`, 'runs/log-batch', { run_id: `{{r${index}}}`, metrics, params })
    if (index % 3 === 0)
      post(`end run ${index}`, 'runs/update', {
        run_id: `{{r${index}}}`,
        status: index % 2 === 0 ? 'FINISHED' : 'FAILED',
        end_time: 9000 + index,
      })
    if (index % 4 === 2)
      post(`log dataset to run ${index}`, 'runs/log-inputs', {
        run_id: `{{r${index}}}`,
        datasets: [
          {
            dataset: {
              name: index < 5 ? 'd1' : 'd2',
              digest: `dg${index < 5 ? 1 : 2}`,
              source_type: 'local',
              source: '{}',
            },
            tags: [{ key: 'mlflow.data.context', value: index < 5 ? 'train' : 'eval' }],
          },
        ],
      })
  }
  post('delete run 8', 'runs/delete', { run_id: '{{r8}}' })
  post('delete experiment away', 'experiments/delete', { experiment_id: '{{away}}' })
}

function searchRuns({ post }: Plan): void {
  const path = 'runs/search'
  for (const [index, filter] of runFilters.entries())
    post(`runs ${index}: ${filter}`, path, { experiment_ids: ['{{one}}', '{{two}}'], filter })
  for (const [index, order_by] of orders.entries())
    post(`runs ordered ${index}: ${order_by.join('; ')}`, path, { experiment_ids: ['{{one}}', '{{two}}'], order_by })
  for (const run_view_type of ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL', 'BOGUS', 1, 2, 3, 0, 'active_only', null])
    post(`runs view ${run_view_type}`, path, { experiment_ids: ['{{one}}'], run_view_type })
  for (const max_results of [0, -1, 1, 50_000, 50_001, '5', 'x', 1.5, null])
    post(`runs max_results ${max_results}`, path, { experiment_ids: ['{{one}}'], max_results })
  post('runs of no experiment', path, {})
  post('runs of an unknown experiment', path, { experiment_ids: ['777777'] })
  post('runs of an experiment of text', path, { experiment_ids: ['abc'] })
  post('runs of experiments as text', path, { experiment_ids: '{{one}}' })
  post('runs of numbers', path, { experiment_ids: [0] })
  post(
    'runs, page 1',
    path,
    { experiment_ids: ['{{one}}', '{{two}}'], max_results: 4, order_by: ['metrics.m DESC'] },
    { take: { next: 'next_page_token' } },
  )
  post(
    'runs, page 2',
    path,
    { experiment_ids: ['{{one}}', '{{two}}'], max_results: 4, order_by: ['metrics.m DESC'], page_token: '{{next}}' },
    { take: { next2: 'next_page_token' } },
  )
  post('runs, page 3', path, {
    experiment_ids: ['{{one}}', '{{two}}'],
    max_results: 4,
    order_by: ['metrics.m DESC'],
    page_token: '{{next2}}',
  })
  for (const page_token of ['junk', 'e30=', '', 'eyJvZmZzZXQiOiAwfQ==', '{"offset": 1}', 5])
    post(`runs, token ${page_token}`, path, { experiment_ids: ['{{one}}'], page_token })
  post('runs, exactly a page', path, { experiment_ids: ['{{two}}'], max_results: 3 })
  post('runs, filter of a number', path, { experiment_ids: ['{{one}}'], filter: 5 })
  post('runs, order of text', path, { experiment_ids: ['{{one}}'], order_by: 'metrics.m' })
}

function searchExperiments({ post, get }: Plan): void {
  const path = 'experiments/search'
  const mine = "tags.area = 'search'"
  const filters = [
    "name = 'search-one'",
    "name != 'search-one'",
    "name LIKE 'search-%'",
    "name ILIKE 'SEARCH-%'",
    "attribute.name = 'search-one'",
    "attributes.name = 'search-one'",
    "attr.name = 'search-two'",
    "tags.n = 'one'",
    "tag.n != 'one'",
    "tags.`n` = 'one'",
    "tags.n LIKE 'o%'",
    "tags.n ILIKE 'O%'",
    'tags.n IS NULL',
    'tags.n IS NOT NULL',
    'creation_time > 0',
    'creation_time < 1000',
    "creation_time > '0'",
    'last_update_time >= 5',
    'last_update_time = 5',
    "name IN ('search-one')",
    "name > 'a'",
    "experiment_id = '1'",
    "artifact_location LIKE '%'",
    "name = 'search-one' OR name = 'search-two'",
    'name = search-one',
    'junk',
    'metrics.m > 1',
    "lifecycle_stage = 'active'",
    'name IS NULL',
    "name = 'search-one' AND tags.n = 'one'",
    "tags.n = 'one' AND tags.n = 'two'",
    "Name = 'search-one'",
  ]
  for (const [index, filter] of filters.entries())
    post(`experiments ${index}: ${filter}`, path, {
      filter:
        /name|junk|metrics|stage|time/v.test(filter) &&
        !filter.includes('!=') &&
        !filter.includes('NULL') &&
        !filter.includes('time')
          ? filter
          : `${filter} AND ${mine}`,
      max_results: 50,
    })
  for (const [index, order_by] of [
    ['name'],
    ['name DESC'],
    ['experiment_id'],
    ['experiment_id DESC'],
    ['creation_time DESC'],
    ['last_update_time'],
    ['attribute.name'],
    ['tags.n'],
    ['junk'],
    ['name', 'name'],
    ['name SIDEWAYS'],
    ['lifecycle_stage'],
  ].entries())
    post(`experiments ordered ${index}: ${order_by.join()}`, path, { filter: mine, order_by, max_results: 50 })
  for (const view_type of ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL', 'x', 2])
    post(`experiments view ${view_type}`, path, { filter: mine, view_type, max_results: 50 })
  for (const max_results of [undefined, 0, -1, 50_000, 50_001, '2'])
    post(`experiments max_results ${max_results}`, path, { filter: mine, max_results })
  post(
    'experiments, page 1',
    path,
    { filter: mine, max_results: 1, view_type: 'ALL', order_by: ['name'] },
    { take: { enext: 'next_page_token' } },
  )
  post('experiments, page 2', path, {
    filter: mine,
    max_results: 1,
    view_type: 'ALL',
    order_by: ['name'],
    page_token: '{{enext}}',
  })
  post('experiments, junk token', path, { filter: mine, max_results: 1, page_token: 'junk' })
  get('experiments by GET', path, { filter: mine, max_results: '10', order_by: ['name DESC', 'experiment_id'] })
  get('experiments by GET, view type', path, { filter: mine, max_results: '10', view_type: 'ALL' })
  get('experiments by GET, no arguments', path)
}

function searchDatasets({ post }: Plan): void {
  const path = '/ajax-api/2.0/mlflow/experiments/search-datasets'
  post('datasets', path, { experiment_ids: ['{{one}}', '{{two}}'] })
  post('datasets of one', path, { experiment_ids: ['{{two}}'] })
  post('datasets of none', path, { experiment_ids: [] })
  post('datasets, no field', path, {})
  post('datasets of an unknown experiment', path, { experiment_ids: ['777777'] })
  post('datasets of 21', path, { experiment_ids: Array.from({ length: 21 }, (_, index) => String(index)) })
}
