// trueloop down: ends what runs in this home; requests in flight are answered first.
import { endHome } from '../app/supervisor.ts'
import type { Session } from './session.ts'

export async function down({ config, terminal }: Session): Promise<void> {
  const ended = await endHome(config.home)
  terminal.show({ home: config.home, ended }, () =>
    ended.length > 0 ? `Ended: ${ended.join(', ')}.` : `Nothing runs in ${config.home}.`,
  )
}
