// trueloop data list: the datasets.
import { z } from 'zod'
import { Dataset } from '../../data/dataset.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { timeText } from '../text.ts'

const Answer = z.object({ datasets: z.array(Dataset) })

export async function listData(session: Session, options: ListOptions): Promise<void> {
  const answer = await connect(session).call({ path: '/datasets', query: { limit: limitOf(options) }, answer: Answer })
  session.terminal.show(answer, ({ datasets }) =>
    datasets.length === 0
      ? 'There are no datasets yet: "trueloop data ingest" makes one, and so does "trueloop apply" with a loop file.'
      : table(
          ['DATASET', 'VERSIONS', 'SINCE'],
          datasets.map(({ name, latest, createdAtMs }) => [name, String(latest), timeText(createdAtMs)]),
        ),
  )
}
