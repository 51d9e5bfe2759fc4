// MLflow's methods of label schemas.
import type { LabellingWriteTables } from '../../labelling/evaluation-datasets.ts'
import type { LabelInput, LabelSchema } from '../../labelling/label-schema.ts'
import {
  changeLabelSchema,
  createLabelSchema,
  deleteLabelSchema,
  getLabelSchema,
  getLabelSchemaByName,
  listLabelSchemas,
} from '../../labelling/label-schemas.ts'
import { transact, type Connection } from '../../platform/database.ts'
import { invalidParameter } from '../wire/errors.ts'
import type * as wire from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { limitOf, listed, offsetOf, pageOf } from './offset-pages.ts'

export interface LabelSchemaDeps {
  readonly db: Connection<LabellingWriteTables>
}

const pageDefault = 100

const typeOf = { feedback: 'FEEDBACK', expectation: 'EXPECTATION' } as const

const schemaOf = (schema: LabelSchema): wire.LabelSchema => ({
  schema_id: schema.id,
  experiment_id: String(schema.experimentId),
  name: schema.name,
  type: typeOf[schema.type],
  instruction: schema.instruction ?? undefined,
  enable_comment: schema.enablesComment,
  input: wireInputOf(schema.input),
  created_at: schema.createdAtMs,
  last_updated_at: schema.updatedAtMs,
  is_default: schema.isDefault,
})

function wireInputOf(input: LabelInput): wire.LabelSchemaInput {
  switch (input.kind) {
    case 'pass_fail':
      return { pass_fail: { positive_label: input.positiveLabel, negative_label: input.negativeLabel } }
    case 'categorical':
      return { categorical: { ...listed('options', input.options), multi_select: input.isMultiSelect } }
    case 'numeric':
      return { numeric: { min_value: input.min ?? undefined, max_value: input.max ?? undefined } }
    case 'text':
      return { text: { max_length: input.maxLength ?? undefined } }
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE without any kind of input */
function inputOf(sent: wire.LabelSchemaInput = {}): LabelInput {
  const { pass_fail: passFail, categorical, numeric, text } = sent
  if (passFail) {
    const { positive_label: positiveLabel = '', negative_label: negativeLabel = '' } = passFail
    return { kind: 'pass_fail', positiveLabel, negativeLabel }
  }
  if (categorical) {
    return {
      kind: 'categorical',
      options: categorical.options ?? [],
      isMultiSelect: categorical.multi_select ?? false,
    }
  }
  if (numeric) return { kind: 'numeric', min: boundOf(numeric.min_value), max: boundOf(numeric.max_value) }
  if (text) return { kind: 'text', maxLength: text.max_length === undefined ? null : Number(text.max_length) }
  throw invalidParameter(
    'Label schema `input` must have exactly one of `pass_fail`, `categorical`, `numeric`, or `text` set; got an empty oneof.',
  )
}

/** @throws MlflowError INVALID_PARAMETER_VALUE for what is no finite number */
function boundOf(bound: wire.Double | undefined): number | null {
  if (bound === undefined) return null
  if (typeof bound === 'number') return bound
  throw invalidParameter(`A bound of \`InputNumeric\` must be a finite number; got ${bound}.`)
}

function schemaTypeOf(type: wire.LabelSchemaType | undefined): LabelSchema['type'] {
  if (type === 'FEEDBACK') return 'feedback'
  if (type === 'EXPECTATION') return 'expectation'
  throw invalidParameter('Label schema `type` must be one of FEEDBACK or EXPECTATION; got proto enum value 0.')
}

export const labelSchemaMethods: Methods<LabelSchemaDeps> = {
  createLabelSchema: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const made = {
        type: schemaTypeOf(request.type),
        input: inputOf(request.input),
        experimentId: experimentIdOf(request.experiment_id ?? ''),
        name: request.name ?? '',
        instruction: request.instruction ?? null,
        enablesComment: request.enable_comment ?? false,
      }
      return { label_schema: schemaOf(await transact(db, (trx) => createLabelSchema(trx, actor, made))) }
    },
  },
  getLabelSchema: {
    permission: 'run.read',
    handle: async ({ db }, { request }) => ({
      label_schema: schemaOf(await getLabelSchema(db, request.schema_id ?? '')),
    }),
  },
  getLabelSchemaByName: {
    permission: 'run.read',
    async handle({ db }, { request }) {
      const which = { experimentId: experimentIdOf(request.experiment_id ?? ''), name: request.name ?? '' }
      return { label_schema: schemaOf(await getLabelSchemaByName(db, which)) }
    },
  },
  listLabelSchemas: {
    permission: 'run.read',
    async handle({ db }, { request, actor }) {
      const limit = limitOf(request.max_results, pageDefault)
      const offset = offsetOf(request.page_token)
      const sought = { experimentId: experimentIdOf(request.experiment_id ?? ''), limit: limit + 1, offset }
      const { page, next } = pageOf(await transact(db, (trx) => listLabelSchemas(trx, actor, sought)), {
        limit,
        offset,
      })
      return { ...listed('label_schemas', page.map(schemaOf)), next_page_token: next }
    },
  },
  updateLabelSchema: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const { schema_id: id = '', name, instruction, enable_comment: enablesComment, input } = request
      const change = {
        ...(name === undefined ? {} : { name }),
        ...(instruction === undefined ? {} : { instruction }),
        ...(enablesComment === undefined ? {} : { enablesComment }),
        ...(input === undefined ? {} : { input: inputOf(input) }),
      }
      return { label_schema: schemaOf(await transact(db, (trx) => changeLabelSchema(trx, actor, { id, ...change }))) }
    },
  },
  deleteLabelSchema: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      await transact(db, (trx) => deleteLabelSchema(trx, actor, request.schema_id ?? ''))
      return {}
    },
  },
}
