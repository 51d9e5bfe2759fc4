// trueloop model list: the registered models and what their aliases name.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { Alias } from '../../models/alias.ts'
import { Model } from '../../models/model.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { timeText } from '../text.ts'

export interface ModelRow {
  readonly model: Model
  readonly aliases: readonly Alias[]
}

export async function listModels(session: Session, options: ListOptions): Promise<void> {
  const client = connect(session)
  const models = await client.call({ path: '/models', query: { limit: limitOf(options) }, answer: z.array(Model) })
  if (session.terminal.json) return session.terminal.show(models, String)
  const rows: ModelRow[] = []
  for (const model of models) {
    rows.push({
      model,
      aliases: await client.call({ path: pathOf`/models/${model.name}/aliases`, answer: z.array(Alias) }),
    })
  }
  session.terminal.show(rows, renderModels)
}

export const renderModels = (rows: readonly ModelRow[]): string =>
  rows.length === 0
    ? 'There are no models yet: "trueloop apply" trains one.'
    : table(
        ['MODEL', 'VERSIONS', 'CHANGED', 'ALIASES'],
        rows.map(({ model, aliases }) => [
          model.name,
          String(model.lastVersion),
          timeText(model.updatedAtMs),
          aliasText(aliases),
        ]),
      )

/** `champion is 3, challenger is 4`. */
export const aliasText = (aliases: readonly Alias[]): string =>
  aliases.map(({ alias, version }) => `${alias} is ${version}`).join(', ') || '-'
