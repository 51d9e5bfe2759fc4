// trueloop data profile: what the columns of a dataset version hold.
import { pathOf } from '../../client/http-client.ts'
import { parseDatasetRef } from '../../data/dataset.ts'
import { Profile, profileQuantiles, type ColumnProfile } from '../../data/profile.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { cellText, clip, countText, numberText, shareText, timeText } from '../text.ts'

const medianAt = profileQuantiles.indexOf(0.5)
const topShown = 3
const valueWidth = 24
const blocks = '▁▂▃▄▅▆▇█'

export async function dataProfile(session: Session, reference: string): Promise<void> {
  const { dataset } = parseDatasetRef(reference)
  const path = pathOf`/datasets/${dataset}/versions/${reference.slice(dataset.length + 1) || 'latest'}/profile`
  session.terminal.show(await connect(session).call({ path, answer: Profile }), renderProfile)
}

export function renderProfile({ rows, columns }: Profile): string {
  const lines = columns.map((column) => [
    column.name,
    column.type,
    shareText(rows === 0 ? null : column.nulls / rows),
    `${column.exact ? '' : '~'}${numberText(column.distinct)}`,
    clip(cellText(column.min), valueWidth),
    medianText(column),
    clip(cellText(column.max), valueWidth),
    spark(column) || topText(column),
  ])
  const header = ['COLUMN', 'TYPE', 'MISSING', 'DISTINCT', 'LEAST', 'MEDIAN', 'MOST', 'VALUES']
  return `${countText(rows, 'row')}\n\n${table(header, lines)}`
}

function medianText({ quantiles, type }: ColumnProfile): string {
  const median = quantiles[medianAt] ?? null
  if (median === null) return '-'
  return type === 'timestamp' || type === 'date' ? timeText(Math.round(median)) : numberText(median)
}

/** The histogram, two bins a character. */
function spark({ histogram }: ColumnProfile): string {
  if (!histogram) return ''
  const pairs = histogram.counts.flatMap((count, at) => (at % 2 === 0 ? [count + (histogram.counts[at + 1] ?? 0)] : []))
  const most = Math.max(1, ...pairs)
  return pairs
    .map((count) =>
      count === 0 ? ' ' : blocks[Math.min(blocks.length - 1, Math.floor((count / most) * blocks.length))],
    )
    .join('')
}

const topText = ({ top }: ColumnProfile): string =>
  top
    .slice(0, topShown)
    .map(({ value, count }) => `${clip(cellText(value), valueWidth)} (${numberText(count)})`)
    .join(', ')
