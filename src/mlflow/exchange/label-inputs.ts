// What reviewers answer with, in the form in which MLflow's database keeps it: a kind, and JSON.
import type { LabelInput } from '../../labelling/label-schema.ts'
import { DomainError } from '../../platform/errors.ts'

type Config = Readonly<Record<string, unknown>>

const numberOf = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** @throws DomainError label_schema_invalid: a kind that only Databricks has */
export function labelInputOf(kind: string, config: Config): LabelInput {
  switch (kind) {
    case 'pass_fail':
      return { kind, positiveLabel: String(config['positive_label']), negativeLabel: String(config['negative_label']) }
    case 'categorical':
      return { kind, options: config['options'] as string[], isMultiSelect: config['multi_select'] === true }
    case 'numeric':
      return { kind, min: numberOf(config['min_value']), max: numberOf(config['max_value']) }
    case 'text':
      return { kind, maxLength: numberOf(config['max_length']) }
    default:
      throw new DomainError('invalid', 'label_schema_invalid', `a label schema has an input of the kind "${kind}"`)
  }
}

export function labelConfigOf(input: LabelInput): Config {
  switch (input.kind) {
    case 'pass_fail':
      return { positive_label: input.positiveLabel, negative_label: input.negativeLabel }
    case 'categorical':
      return { options: input.options, multi_select: input.isMultiSelect }
    case 'numeric':
      return { min_value: input.min, max_value: input.max }
    case 'text':
      return { max_length: input.maxLength }
  }
}
