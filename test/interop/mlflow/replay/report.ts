// Both servers replay one plan; what differs and is not on the list of known differences is reported.
import type { MlflowServer } from '../servers.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { firstDifference, type Difference } from './compare.ts'
import { isKnown, knownDifferences, type KnownDifference } from './differences.ts'
import { planOf, type Area } from './plan.ts'
import { replay } from './replay.ts'
import { isServed } from './served.ts'

export interface Found extends Difference {
  readonly call: Call
  readonly known: KnownDifference | undefined
}

export interface Report {
  readonly calls: number
  readonly found: readonly Found[]
}

type Side = Pick<MlflowServer, 'url' | 'directory'>

export async function compareServers(
  sides: { readonly stock: Side; readonly trueloop: Side },
  options: { readonly seed: string; readonly areas: readonly Area[] },
): Promise<Report> {
  const calls = await planOf(options.seed, options.areas, await isServed())
  const known = await knownDifferences()
  const [theirs, ours] = await Promise.all([replay(sides.stock, calls), replay(sides.trueloop, calls)])
  const found = calls.flatMap((call, index): Found[] => {
    const difference = firstDifference(theirs[index] as Answer, ours[index] as Answer)
    return difference ? [{ ...difference, call, known: known.find((one) => isKnown(one, call, difference)) }] : []
  })
  return { calls: calls.length, found }
}

const shownCharacters = 600

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}… (${text.length} characters)` : text
}

/** Text for people: how many agree, then each call that differs with what it sent and the first field that differs. */
export function reportOf(title: string, { calls, found }: Report): string {
  const news = found.filter(({ known }) => !known)
  const first = `${title}: ${calls} calls, ${news.length} differ, ${found.length - news.length} as documented`
  const lines = news.map(({ call, field, stock, trueloop }) => {
    const query = call.query.length > 0 ? `?${call.query.map((pair) => pair.join('=')).join('&')}` : ''
    const body = call.body === undefined ? '' : ` ${shown(call.body)}`
    return `${call.label} [${field}]\n  ${call.method} ${call.path}${query}${body}\n  stock    ${shown(stock)}\n  trueloop ${shown(trueloop)}`
  })
  return [first, ...lines].join('\n\n') + '\n'
}
