// trueloop monitor list: the monitors of an endpoint and what each measured last.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { Monitor, MonitorResult } from '../../monitoring/monitor.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { numberText, timeText } from '../text.ts'

const Monitors = z.object({ monitors: z.array(Monitor) })
const Results = z.object({ results: z.array(MonitorResult) })

export interface MonitorView {
  readonly monitor: Monitor
  readonly last: MonitorResult | null
}

export async function listMonitors(session: Session, endpoint: string): Promise<void> {
  const client = connect(session)
  const { monitors } = await client.call({ path: pathOf`/endpoints/${endpoint}/monitors`, answer: Monitors })
  const views: MonitorView[] = []
  for (const monitor of monitors) {
    const query = { monitor: monitor.name, limit: 1 }
    const { results } = await client.call({
      path: pathOf`/endpoints/${endpoint}/monitor-results`,
      query,
      answer: Results,
    })
    views.push({ monitor, last: results[0] ?? null })
  }
  session.terminal.show({ monitors: views }, ({ monitors: shown }) => renderMonitors(shown))
}

export const renderMonitors = (views: readonly MonitorView[]): string =>
  views.length === 0
    ? 'It has no monitors.'
    : table(
        ['MONITOR', 'SIGNAL', 'WINDOW', 'STATE', 'VALUE', 'BOUNDS', 'ROWS', 'UP TO'],
        views.map(({ monitor, last }) => [
          monitor.name,
          signalText(monitor.signal),
          `${monitor.windowDays} d`,
          last ? last.state.replaceAll('_', ' ') : 'not measured yet',
          numberText(last?.value ?? null),
          last ? boundText(last) : '-',
          numberText(last?.rows ?? null),
          last ? timeText(last.windowEndMs) : '-',
        ]),
      )

function signalText(signal: Monitor['signal']): string {
  const name = signal.kind.replaceAll('_', ' ')
  return 'feature' in signal ? `${name} of ${signal.feature}` : name
}

const boundText = ({ low, high }: Pick<MonitorResult, 'low' | 'high'>): string =>
  `${low === null ? '-∞' : numberText(low)} to ${high === null ? '∞' : numberText(high)}`
