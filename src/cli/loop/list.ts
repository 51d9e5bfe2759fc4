// trueloop loop list: the loops and where each stands.
import type { z } from 'zod'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { LoopList } from './loop-view.ts'

export async function listLoops(session: Session): Promise<void> {
  const answer = await connect(session).call({ path: '/loops', answer: LoopList })
  session.terminal.show(answer, renderLoops)
}

export const renderLoops = ({ loops }: z.infer<typeof LoopList>): string =>
  loops.length === 0
    ? 'There are no loops yet: write one with "trueloop init", then "trueloop apply".'
    : table(
        ['LOOP', 'VERSION', 'CHAMPION', 'PHASE'],
        loops.map(({ loop, version, champion, phase, paused }) => [
          loop,
          String(version),
          champion ?? '-',
          paused ? `${phase.replaceAll('_', ' ')} (paused)` : phase.replaceAll('_', ' '),
        ]),
      )
