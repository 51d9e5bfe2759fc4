// What a trainer sees of a frame: the features learned from its columns, and their values in any other frame of the same columns.
import { DomainError } from '../platform/errors.ts'
import { calendarValues, type CalendarPart } from './calendar.ts'
import type { Frame, FrameColumn } from './frame.ts'

/**
 * A feature. The values of `number` and `calendar` are float32, NaN when missing; those of `category` are codes: the index in `categories`,
 * -1 when missing, and for a value that was not seen in training `categories.length` if rare categories were pooled, else -1.
 */
export type Feature =
  | { readonly kind: 'number'; readonly name: string; readonly column: string }
  | { readonly kind: 'calendar'; readonly name: string; readonly column: string; readonly part: CalendarPart }
  | {
      readonly kind: 'category'
      readonly name: string
      readonly column: string
      readonly categories: readonly string[]
      readonly pooled: boolean
    }

export type FeatureValues = Float32Array | Int32Array

export interface FeatureOptions {
  /** Parts that a time column becomes. */
  readonly calendar: readonly CalendarPart[]
  /** Codes a category column may have; the rarest categories beyond that share one. */
  readonly maxCodes: number
}

/** Learns the features of a frame, in the order of its columns. */
export function learnFeatures(frame: Frame, options: FeatureOptions): Feature[] {
  return frame.columns.flatMap((column): Feature[] => {
    const { name } = column
    if (column.kind === 'number') return [{ kind: 'number', name, column: name }]
    if (column.kind === 'category') return [learnCategories(column, options.maxCodes)]
    return options.calendar.map((part) => ({ kind: 'calendar', name: `${name}.${part}`, column: name, part }))
  })
}

/**
 * The values of each feature in a frame.
 * @throws DomainError column_mismatch: a column is missing or of another kind than in training.
 */
export function featureValues(features: readonly Feature[], frame: Frame): FeatureValues[] {
  const columns = new Map(frame.columns.map((column) => [column.name, column]))
  return features.map((feature) => {
    const column = columns.get(feature.column)
    if (feature.kind === 'number' && column?.kind === 'number') return Float32Array.from(column.values)
    if (feature.kind === 'calendar' && column?.kind === 'time') return calendarValues(column.micros, feature.part)
    if (feature.kind === 'category' && column?.kind === 'category') return categoryCodes(feature, column)
    const found = column ? `is a ${column.kind} column` : 'is missing'
    throw new DomainError(
      'invalid',
      'column_mismatch',
      `column "${feature.column}" ${found}: the model was trained on a ${feature.kind}`,
    )
  })
}

/** A category as it arrives in the graph: strings pass through UTF-8 C strings, so a NUL ends them and a lone surrogate becomes U+FFFD. */
export function wireCategory(category: string): string {
  const end = category.indexOf('\0')
  return (end < 0 ? category : category.slice(0, end)).toWellFormed()
}

/** The code of any value that is not in `categories`. */
export function unseenCode(feature: Feature & { kind: 'category' }): number {
  return feature.pooled ? feature.categories.length : -1
}

function learnCategories(column: FrameColumn & { kind: 'category' }, maxCodes: number): Feature {
  const { name, codes, categories } = column
  const countByCode = new Float64Array(categories.length)
  for (const code of codes) if (code >= 0) countByCode[code]!++
  const counts = new Map<string, number>()
  categories.forEach((category, code) => {
    const wire = wireCategory(category)
    if (wire !== '' && countByCode[code]! > 0) counts.set(wire, (counts.get(wire) ?? 0) + countByCode[code]!)
  })
  const pooled = counts.size > maxCodes
  // Most frequent first; by name where they tie, so that the order of the frame's categories does not matter.
  const ranked = [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([category]) => category)
  const kept = pooled ? ranked.slice(0, maxCodes - 1) : ranked
  return { kind: 'category', name, column: name, categories: kept, pooled }
}

function categoryCodes(
  feature: Feature & { kind: 'category' },
  column: FrameColumn & { kind: 'category' },
): Int32Array {
  const codeByCategory = new Map(feature.categories.map((category, code) => [category, code]))
  const unseen = unseenCode(feature)
  const translated = Int32Array.from(column.categories, (category) => {
    const wire = wireCategory(category)
    return wire === '' ? -1 : (codeByCategory.get(wire) ?? unseen)
  })
  return column.codes.map((code) => (code < 0 ? -1 : translated[code]!))
}
