// trueloop data validations: what was found whenever a dataset was checked, newest first.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { parseDatasetName } from '../../data/dataset.ts'
import { renderValidation } from '../../data/validation.ts'
import { StoredValidation } from '../../data/validation-store.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { timeText } from '../text.ts'

const Answer = z.object({ validations: z.array(StoredValidation) })

export async function dataValidations(session: Session, dataset: string, options: ListOptions): Promise<void> {
  const path = pathOf`/datasets/${parseDatasetName(dataset)}/validations`
  const answer = await connect(session).call({ path, query: { limit: limitOf(options) }, answer: Answer })
  session.terminal.show(
    answer,
    ({ validations }) => renderValidations(validations) || `Nothing has been checked of "${dataset}" yet.`,
  )
}

export const renderValidations = (validations: readonly StoredValidation[]): string =>
  validations
    .map(({ dataset, version, atMs, result }) => {
      const became = version === null ? 'became no version' : `became ${dataset}/${version}`
      return `${timeText(atMs)}  ${became}\n${renderValidation(result)}`
    })
    .join('\n')
    .trimEnd()
