// A label schema: a question that reviewers answer about a trace. Pure.
import { DomainError } from '../platform/errors.ts'

export type LabelInput =
  | { readonly kind: 'pass_fail'; readonly positiveLabel: string; readonly negativeLabel: string }
  | { readonly kind: 'categorical'; readonly options: readonly string[]; readonly isMultiSelect: boolean }
  | { readonly kind: 'numeric'; readonly min: number | null; readonly max: number | null }
  | { readonly kind: 'text'; readonly maxLength: number | null }

export interface LabelSchema {
  /** `ls-` and 32 hexadecimal digits. */
  readonly id: string
  readonly experimentId: number
  /** Of one experiment no two are alike. */
  readonly name: string
  readonly type: 'feedback' | 'expectation'
  readonly input: LabelInput
  readonly instruction: string | null
  readonly enablesComment: boolean
  /** The question that every experiment has; it stays as it is. */
  readonly isDefault: boolean
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export const defaultSchemaName = 'Feedback'
export const defaultInstruction = 'Share any feedback on this trace.'

const limits = { name: 250, instruction: 1000, label: 64, options: 10 } as const

const refuse = (message: string): never => {
  throw new DomainError('invalid', 'label_schema_invalid', message)
}

export const labelSchemaNotFound = (which: string | Pick<LabelSchema, 'experimentId' | 'name'>): DomainError =>
  typeof which === 'string'
    ? new DomainError('not_found', 'label_schema_not_found', `Label schema with id '${which}' not found.`)
    : new DomainError(
        'not_found',
        'label_schema_not_found',
        `Label schema with name '${which.name}' not found for experiment '${which.experimentId}'.`,
      )

export const labelSchemaExists = ({ experimentId, name }: Pick<LabelSchema, 'experimentId' | 'name'>): DomainError =>
  new DomainError(
    'conflict',
    'label_schema_exists',
    `Label schema with name '${name}' already exists for experiment '${experimentId}'.`,
  )

/** @throws DomainError label_schema_invalid */
export function assertSchemaName(name: string): void {
  if (name === '') refuse("Label schema `name` must be a non-empty string; got ''.")
  if (name.length > limits.name) {
    refuse(`Label schema \`name\` must be at most ${limits.name} characters; got ${name.length}.`)
  }
  if (name.trim().toLowerCase() === defaultSchemaName.toLowerCase()) {
    refuse(`\`${name}\` is reserved for the experiment's default question and cannot be used for another label schema.`)
  }
}

/** @throws DomainError label_schema_invalid */
export function assertInstruction(instruction: string | null): void {
  if (instruction === null || instruction.length <= limits.instruction) return
  refuse(`Label schema \`instruction\` must be at most ${limits.instruction} characters; got ${instruction.length}.`)
}

/** @throws DomainError label_schema_invalid */
export function assertInput(input: LabelInput): void {
  switch (input.kind) {
    case 'pass_fail':
      assertLabel('positive_label', input.positiveLabel)
      assertLabel('negative_label', input.negativeLabel)
      if (input.positiveLabel === input.negativeLabel) {
        refuse(
          `\`InputPassFail.positive_label\` and \`negative_label\` must be distinct; got '${input.positiveLabel}' for both.`,
        )
      }
      return
    case 'categorical':
      assertOptions(input.options)
      return
    case 'numeric':
      if (input.min !== null && input.max !== null && input.min >= input.max) {
        refuse(
          `\`InputNumeric.min_value\` must be strictly less than \`max_value\`; got min=${shownFloat(input.min)}, max=${shownFloat(input.max)}.`,
        )
      }
      return
    case 'text':
      if (input.maxLength !== null && input.maxLength < 1) {
        refuse(`\`InputText.max_length\` must be at least 1; got ${input.maxLength}.`)
      }
  }
}

const shownFloat = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value))

function assertLabel(field: string, label: string): void {
  if (label === '') refuse(`\`InputPassFail.${field}\` must be a non-empty string; got ''.`)
  if (label.length <= limits.label) return
  refuse(`\`InputPassFail.${field}\` must be at most ${limits.label} characters; got ${label.length}.`)
}

function assertOptions(options: readonly string[]): void {
  if (options.length === 0) refuse('`InputCategorical.options` must be a non-empty list; got [].')
  if (options.length > limits.options) {
    refuse(`\`InputCategorical.options\` must have at most ${limits.options} entries; got ${options.length}.`)
  }
  for (const [at, option] of options.entries()) {
    if (option === '') refuse("`InputCategorical.options` entries must be non-empty strings; got ''.")
    if (option.length > limits.label) {
      refuse(
        `\`InputCategorical.options\` entries must be at most ${limits.label} characters; got ${option.length} for '${option}'.`,
      )
    }
    if (options.indexOf(option) !== at) {
      refuse(`\`InputCategorical.options\` must be deduplicated; '${option}' appears twice.`)
    }
  }
}

const inputNames: Readonly<Record<LabelInput['kind'], string>> = {
  pass_fail: 'InputPassFail',
  categorical: 'InputCategorical',
  numeric: 'InputNumeric',
  text: 'InputText',
}

/** Labels that were given already must keep their meaning. @throws DomainError label_schema_invalid */
export function assertSameInputKind(before: LabelInput, after: LabelInput): void {
  if (before.kind !== after.kind) {
    refuse(
      `A label schema's input type cannot be changed after creation (existing: ${inputNames[before.kind]}, got: ${inputNames[after.kind]}).`,
    )
  }
  if (before.kind === 'categorical' && after.kind === 'categorical' && before.isMultiSelect !== after.isMultiSelect) {
    refuse('`InputCategorical.multi_select` cannot be changed after creation.')
  }
}
