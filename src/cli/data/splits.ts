// trueloop data splits: the splits of a dataset's versions, newest first.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { parseDatasetName } from '../../data/dataset.ts'
import { splitNames, splitText } from '../../data/split.ts'
import { StoredSplit } from '../../data/split-store.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { numberText, timeText } from '../text.ts'

const Answer = z.object({ splits: z.array(StoredSplit) })

export async function dataSplits(session: Session, dataset: string, options: ListOptions): Promise<void> {
  const path = pathOf`/datasets/${parseDatasetName(dataset)}/splits`
  const answer = await connect(session).call({ path, query: { limit: limitOf(options) }, answer: Answer })
  session.terminal.show(answer, ({ splits }) =>
    splits.length === 0
      ? `Nothing of "${dataset}" is split yet: "trueloop data split ${dataset}" does it.`
      : table(
          ['SPLIT', 'OF', 'RULE', 'TRAIN', 'VALIDATION', 'TEST', 'MADE'],
          splits.map((split) => [
            split.id,
            `${split.dataset}/${split.version}`,
            splitText(split),
            ...splitNames.map((name) => numberText(split.rows[name])),
            timeText(split.createdAtMs),
          ]),
        ),
  )
}
