// What a model said, as JSON rows: labels or values, class probabilities, or a record of all outputs. Shared by MLflow's protocol and V1.
import type { Signature } from '../../models/signature.ts'
import type { PredictionForm } from '../endpoint-options.ts'
import type { AnswerRows } from './request-rows.ts'
import { labelValues } from './class-labels.ts'

/** A JSON text of each row. */
export function predictionTexts(answer: AnswerRows, signature: Signature, form: PredictionForm): string[] {
  if (signature.task === 'regression') {
    const values = valueTexts(answer)
    return form === 'records' ? values.map((value) => `{"prediction":${value}}`) : values
  }
  if (form === 'labels') return labelTexts(answer, signature)
  const probabilities = probabilityTexts(answer)
  if (form === 'probabilities') return probabilities
  const labels = labelTexts(answer, signature)
  return probabilities.map((each, row) => `{"probabilities":${each},"label":${labels[row]}}`)
}

/** Of a regression. */
export function valueTexts({ predictions: { values }, offset, rows }: AnswerRows): string[] {
  const texts: string[] = []
  for (let row = offset; row < offset + rows; row++) texts.push(String(values[row]))
  return texts
}

/** Of a classifier: whole numbers, true and false, or texts, by what all its class names are. */
export function labelTexts(answer: AnswerRows, signature: Signature): string[] {
  const labels = labelValues(answer, signature)
  const texts: string[] = []
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!
    texts.push(typeof label === 'string' ? JSON.stringify(label) : String(label))
  }
  return texts
}

/** Of a classifier: a list a row. */
export function probabilityTexts({ predictions: { values, width }, offset, rows }: AnswerRows): string[] {
  const texts: string[] = []
  for (let row = offset; row < offset + rows; row++) {
    let text = `[${values[row * width]}`
    for (let at = 1; at < width; at++) text += `,${values[row * width + at]}`
    texts.push(`${text}]`)
  }
  return texts
}
