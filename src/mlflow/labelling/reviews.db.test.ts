// Statuses and texts are those that MLflow's server 3.17.2 answered to the same calls.
import { expect, test } from 'vitest'
import { on } from '../../platform/database.ts'
import { createLabellingServer, type LabellingServer } from './testing.ts'

const schemas = '3.0/mlflow/label-schemas'
const queues = '3.0/mlflow/review-queues'

const invalid = (message: string) => ({ status: 400, json: { error_code: 'INVALID_PARAMETER_VALUE', message } })
const taken = (message: string) => ({ status: 400, json: { error_code: 'RESOURCE_ALREADY_EXISTS', message } })
const notFound = (message: string) => ({ status: 404, json: { error_code: 'RESOURCE_DOES_NOT_EXIST', message } })

const passFail = { pass_fail: { positive_label: 'Yes', negative_label: 'No' } }

async function createSchema({ call }: LabellingServer, fields: object = {}): Promise<string> {
  const sent = { experiment_id: '0', name: 'q1', type: 'FEEDBACK', input: passFail, ...fields }
  return (await call('POST', `${schemas}/create`, sent)).json.label_schema.schema_id as string
}

test('a label schema is made, found by name, changed within its kind and deleted', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const id = await createSchema(server)
  expect((await call('GET', `${schemas}/get`, { schema_id: id })).json.label_schema).toEqual({
    schema_id: id,
    experiment_id: '0',
    name: 'q1',
    type: 'FEEDBACK',
    enable_comment: false,
    input: passFail,
    created_at: expect.any(Number) as unknown,
    last_updated_at: expect.any(Number) as unknown,
    is_default: false,
  })
  await createSchema(server, {
    name: 'q2',
    type: 'EXPECTATION',
    input: { categorical: { options: ['a', 'b'], multi_select: true } },
  })
  const update = (fields: object) => call('PATCH', `${schemas}/update`, { schema_id: id, ...fields })
  expect(await update({ name: 'q2' })).toMatchObject(
    taken("Label schema with name 'q2' already exists for experiment '0'."),
  )
  expect(await update({ input: { text: {} } })).toMatchObject(
    invalid("A label schema's input type cannot be changed after creation (existing: InputPassFail, got: InputText)."),
  )
  expect((await update({ name: 'q9', instruction: 'hm' })).json.label_schema).toMatchObject({
    name: 'q9',
    instruction: 'hm',
    input: passFail,
  })
  const byName = await call('GET', `${schemas}/get-by-name`, { experiment_id: '0', name: 'q9' })
  expect(byName.json.label_schema.schema_id).toBe(id)
  expect(await call('GET', `${schemas}/get-by-name`, { experiment_id: '0', name: 'q1' })).toMatchObject(
    notFound("Label schema with name 'q1' not found for experiment '0'."),
  )
  expect(await call('DELETE', `${schemas}/delete`, { schema_id: id })).toEqual({ status: 200, json: {} })
  expect(await call('DELETE', `${schemas}/delete`, { schema_id: id })).toEqual({ status: 200, json: {} })
  expect(await call('GET', `${schemas}/get`, { schema_id: id })).toMatchObject(
    notFound(`Label schema with id '${id}' not found.`),
  )
})

test('every experiment has a question of its own, which stays as it is', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const list = async () => (await call('GET', `${schemas}/list`, { experiment_id: '0' })).json
  const {
    label_schemas: [question],
    next_page_token,
  } = await list()
  expect(question).toMatchObject({ name: 'Feedback', type: 'FEEDBACK', input: { text: {} }, is_default: true })
  expect(next_page_token).toBe('')
  expect((await list()).label_schemas).toHaveLength(1)
  const schema_id = question.schema_id as string
  expect(await call('PATCH', `${schemas}/update`, { schema_id, name: 'x' })).toMatchObject(
    invalid("The experiment's default question cannot be edited."),
  )
  expect(await call('DELETE', `${schemas}/delete`, { schema_id })).toMatchObject(
    invalid("The experiment's default question cannot be deleted."),
  )
})

test.for([
  [
    { input: { numeric: { min_value: 1, max_value: 0.5 } } },
    '`InputNumeric.min_value` must be strictly less than `max_value`; got min=1.0, max=0.5.',
  ],
  [
    { input: {} },
    'Label schema `input` must have exactly one of `pass_fail`, `categorical`, `numeric`, or `text` set; got an empty oneof.',
  ],
  [{ type: undefined }, 'Label schema `type` must be one of FEEDBACK or EXPECTATION; got proto enum value 0.'],
  [
    { name: 'feedback' },
    "`feedback` is reserved for the experiment's default question and cannot be used for another label schema.",
  ],
  [{ input: { text: { max_length: 0 } } }, '`InputText.max_length` must be at least 1; got 0.'],
  [{ input: { categorical: { options: [] } } }, '`InputCategorical.options` must be a non-empty list; got [].'],
  [
    { input: { categorical: { options: ['a', 'a'] } } },
    "`InputCategorical.options` must be deduplicated; 'a' appears twice.",
  ],
] as const)('a label schema that is refused says why: %o', async ([fields, message]) => {
  await using server = await createLabellingServer()
  const sent = { experiment_id: '0', name: 'q', type: 'FEEDBACK', input: { text: {} }, ...fields }
  expect(await server.call('POST', `${schemas}/create`, sent)).toMatchObject(invalid(message))
})

test('a review queue has people, questions that are fixed once there are traces, and a name whatever its case', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const schema = await createSchema(server)
  const create = (fields: object) =>
    call('POST', `${queues}/create`, { experiment_id: '0', queue_type: 'CUSTOM', ...fields })
  const { review_queue: queue } = (await create({ name: 'Mine', users: ['A ', 'a'], schema_ids: [schema] })).json
  const queue_id = queue.queue_id as string
  expect(queue).toMatchObject({ name: 'Mine', queue_type: 'CUSTOM', users: ['a'], schema_ids: [schema] })
  expect(await create({ name: 'mine' })).toMatchObject(
    taken("Review queue with name 'mine' already exists (names are case-insensitive)."),
  )
  expect(await create({ name: 'default' })).toMatchObject(
    invalid('`default` is a reserved queue name and cannot be used for a custom queue.'),
  )
  expect(await create({ name: 'x', schema_ids: ['no'] })).toMatchObject(
    invalid("Label schema id(s) ['no'] not found for experiment '0'."),
  )
  expect(await create({ name: 'x', queue_type: undefined })).toMatchObject(
    invalid('`queue_type` must be one of USER or CUSTOM; got proto enum value 0.'),
  )
  expect(await create({ name: 'x', queue_type: 'USER', users: ['y'] })).toMatchObject(
    invalid("A user queue must have exactly one assigned user equal to its name; got name='x' and users=['y']."),
  )
  const own = (user: string) => call('POST', `${queues}/get-or-create-user`, { experiment_id: '0', user })
  const bob = (await own('Bob')).json.review_queue
  expect(bob).toMatchObject({ name: 'bob', queue_type: 'USER', created_by: 'bob', users: ['bob'] })
  expect((await own('bob')).json.review_queue.queue_id).toBe(bob.queue_id)
  expect(await own('mine')).toMatchObject(
    taken("A non-user queue named 'mine' already exists; cannot get-or-create a user queue with that name."),
  )
  const update = (fields: object) => call('POST', `${queues}/update`, { queue_id, ...fields })
  expect(await update({ name: 'BOB' })).toMatchObject({ status: 400 })
  expect((await update({ users: ['z'], update_users: true })).json.review_queue.users).toEqual(['z'])
  expect((await update({ users: ['y'], name: 'Ours' })).json.review_queue).toMatchObject({ name: 'Ours', users: ['z'] })
  const listed = await call('GET', `${queues}/list`, { experiment_id: '0', user: 'Z' })
  expect((listed.json.review_queues as { name: string }[]).map(({ name }) => name)).toEqual(['Ours'])
  expect(await call('POST', `${queues}/update`, { queue_id: bob.queue_id, name: 'x' })).toMatchObject({ status: 400 })
  expect((await call('POST', `${queues}/delete`, { queue_id })).status).toBe(200)
  expect(await call('GET', `${queues}/get`, { queue_id })).toMatchObject(
    notFound(`Review queue with id '${queue_id}' not found.`),
  )
})

test('a trace is reviewed once, by one person, and leaves its queues when it is deleted', async () => {
  await using server = await createLabellingServer()
  const { call, db } = server
  const trace = { id: 'tr-1', experiment_id: 0, started_at_ms: 1, state: 'OK' }
  await on(db)
    .insertInto('trace')
    .values(trace as never)
    .execute()
  const made = await call('POST', `${queues}/create`, { experiment_id: '0', name: 'q', queue_type: 'CUSTOM' })
  const queue_id = made.json.review_queue.queue_id as string
  const add = (ids: string[]) => call('POST', `${queues}/items/add`, { queue_id, item_ids: ids })
  expect(await add(['tr-9'])).toMatchObject(
    notFound(`Cannot attach trace(s) ['tr-9'] to review queue '${queue_id}': they do not exist in experiment '0'.`),
  )
  expect(await add([])).toMatchObject(invalid('`item_ids` must be a non-empty list; got [].'))
  const item = { queue_id, item_type: 'TRACE', item_id: 'tr-1', status: 'PENDING' }
  expect((await add([' tr-1', 'tr-1'])).json.items).toMatchObject([item])
  expect(await call('POST', `${queues}/update`, { queue_id, schema_ids: [], update_schema_ids: true })).toMatchObject(
    invalid(
      "A review queue's questions are locked once items are assigned to it. Remove the items before changing its questions.",
    ),
  )
  const set = (fields: object) => call('POST', `${queues}/items/set-status`, { queue_id, item_id: 'tr-1', ...fields })
  expect(await set({})).toMatchObject(
    invalid('`status` must be one of PENDING, COMPLETE, or DECLINED; got proto enum value 0.'),
  )
  expect(await set({ status: 'COMPLETE' })).toMatchObject(
    invalid('`completed_by` is required when setting status to `complete`.'),
  )
  expect((await set({ status: 'COMPLETE', completed_by: 'Ann' })).json.item).toMatchObject({
    status: 'COMPLETE',
    completed_by: 'ann',
    completed_time_ms: expect.any(Number) as unknown,
  })
  expect((await set({ status: 'COMPLETE', completed_by: 'Zoe' })).json.item.completed_by).toBe('ann')
  const list = async (fields: object = {}) => (await call('GET', `${queues}/items/list`, { queue_id, ...fields })).json
  expect((await list({ status: 'COMPLETE' })).items).toHaveLength(1)
  expect(await list({ status: 'PENDING' })).toEqual({ next_page_token: '' })
  expect((await set({ status: 'PENDING' })).json.item).not.toHaveProperty('completed_by')
  expect(await set({ item_id: 'tr-9', status: 'PENDING' })).toMatchObject(
    notFound(`Item 'tr-9' is not attached to review queue '${queue_id}'.`),
  )
  await on(db).deleteFrom('trace').where('id', '=', 'tr-1').execute()
  expect(await list()).toEqual({ next_page_token: '' })
})
