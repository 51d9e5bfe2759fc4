// trueloop data split: a version's rows put into train, validation and test by a rule, and the record of it.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { parseDatasetRef } from '../../data/dataset.ts'
import { Started } from '../../data/routes.ts'
import { splitNames, splitText, type SplitRuleInput } from '../../data/split.ts'
import { StoredSplit } from '../../data/split-store.ts'
import { argumentInvalid, namesOf, wholeNumber } from '../arguments.ts'
import { waitForPipeline } from '../pipeline/wait.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { factLines, numberText, shareText } from '../text.ts'

export interface SplitOptions {
  readonly by?: string
  readonly key?: string
  readonly seed?: string
  /** Percent, separated by commas. */
  readonly shares?: string
}

const Made = StoredSplit.extend({ created: z.boolean() })
type Made = Readonly<z.infer<typeof Made>>

export async function splitData(session: Session, reference: string, options: SplitOptions): Promise<void> {
  const rule = splitRuleOf(options)
  const { dataset } = parseDatasetRef(reference)
  const client = connect(session)
  const path = pathOf`/datasets/${dataset}/versions/${reference.slice(dataset.length + 1) || 'latest'}/splits`
  const { pipelineRun } = await client.call({ method: 'POST', path, body: rule, answer: Started })
  const { output } = await waitForPipeline({ ...session, client }, { id: pipelineRun, step: 'split' })
  session.terminal.show(Made.parse(output), renderSplit)
}

/** @throws DomainError argument_invalid */
export function splitRuleOf({ by, key, seed, shares }: SplitOptions): SplitRuleInput {
  const kind = by ?? (key === undefined ? 'time' : 'key')
  const common = shares === undefined ? {} : { shares: sharesOf(shares) }
  const seeded =
    seed === undefined ? {} : { seed: wholeNumber(seed, '--seed', { min: 0, max: Number.MAX_SAFE_INTEGER }) }
  if ((key !== undefined) !== (kind === 'key'))
    throw argumentInvalid(
      key === undefined ? '--by key wants --key <columns>' : `--key goes with --by key, not ${kind}`,
    )
  switch (kind) {
    case 'time':
      if (seed !== undefined) throw argumentInvalid('--seed goes with --by random or --key: time is not drawn by lot')
      return { kind, ...common }
    case 'random':
      return { kind, ...seeded, ...common }
    case 'key':
      return { kind, columns: namesOf(key ?? '', '--key'), ...seeded, ...common }
    default:
      throw argumentInvalid(`--by "${kind}": it takes time, random or key`)
  }
}

/** `70,15,15`; two numbers leave validation out. */
function sharesOf(text: string): { train: number; validation: number; test: number } {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  const [train = 0, validation = 0, test = 0] = parts.length === 2 ? [parts[0], 0, parts[1]] : parts
  const isRight = [2, 3].includes(parts.length) && parts.every((part) => part >= 0)
  if (isRight && Math.abs(train + validation + test - 100) < 1e-6)
    return { train: train / 100, validation: validation / 100, test: test / 100 }
  throw argumentInvalid(`--shares "${text}": it takes percent for train, validation and test that sum to 100: 70,15,15`)
}

function renderSplit(split: Made): string {
  const { id, dataset, version, rows, digests, digest, created } = split
  const all = splitNames.reduce((sum, name) => sum + rows[name], 0)
  const facts = factLines([
    ['split', created ? id : `${id}, which came out the same before`],
    ['of', `${dataset}/${version}`],
    ['rule', splitText(split)],
    ['digest', digest],
  ])
  const parts = table(
    ['PART', 'ROWS', 'SHARE', 'DIGEST'],
    splitNames.map((name) => [
      name,
      numberText(rows[name]),
      shareText(all === 0 ? null : rows[name] / all),
      digests[name],
    ]),
  )
  return `${facts}\n\n${parts}`
}
