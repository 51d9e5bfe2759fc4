// Both servers replay one plan; what differs and is not on the list of known differences is reported.
import type { MlflowServer } from '../servers.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { firstDifference, type Difference } from './compare.ts'
import { isKnown, knownDifferences, type KnownDifference } from './differences.ts'
import { areMistyped } from './mistyped.ts'
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

export interface Sides {
  readonly stock: (calls: readonly Call[]) => Promise<readonly Answer[]>
  readonly trueloop: (calls: readonly Call[]) => Promise<readonly Answer[]>
}

export const answersOf =
  (server: Pick<MlflowServer, 'url' | 'directory'>): Sides['stock'] =>
  (calls) =>
    replay(server, calls)

export async function compareServers(
  sides: Sides,
  options: { readonly seed: string; readonly areas: readonly Area[] },
): Promise<Report> {
  const calls = await planOf(options.seed, options.areas, isServed)
  const known = await knownDifferences()
  const [theirs, ours, mistyped] = await Promise.all([sides.stock(calls), sides.trueloop(calls), areMistyped(calls)])
  const found = calls.flatMap((call, index): Found[] => {
    const difference = firstDifference(theirs[index] as Answer, ours[index] as Answer, mistyped[index] as boolean)
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
  // Of every error the same: one line for all.
  const isClass = ({ field }: Found): boolean => field === 'sqlstate' || field === 'error_class'
  const unclassed = news.filter(isClass)
  const rest = news.filter((one) => !isClass(one))
  const classes = unclassed.length > 0 ? [`${unclassed.length} errors have no sqlstate or error_class as stock's.`] : []
  const lines = rest.map(({ call, field, stock, trueloop }) => {
    const query = call.query.length > 0 ? `?${call.query.map((pair) => pair.join('=')).join('&')}` : ''
    const body = call.body === undefined ? '' : ` ${shown(call.body)}`
    return `${call.label} [${field}]\n  ${call.method} ${call.path}${query}${body}\n  stock    ${shown(stock)}\n  trueloop ${shown(trueloop)}`
  })
  return [first, ...classes, ...lines].join('\n\n') + '\n'
}
