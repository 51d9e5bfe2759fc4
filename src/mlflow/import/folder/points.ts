// Files of metric points: a line each, streamed, since a history may have millions.
import { join } from 'node:path'
import { damage, filesBelow, linesOf } from './tree.ts'

export interface Point {
  readonly key: string
  readonly atMs: bigint | number
  /** May be NaN or infinite. */
  readonly value: number
  readonly step: bigint | number
  /** What follows the step, and means something else in each kind of file. */
  readonly rest: readonly string[]
}

const number = /^[\-+]?(?:\d+\.?\d*|\.\d+)(?:e[\-+]?\d+)?$/iv

function valueOf(text: string): number | undefined {
  if (number.test(text)) return Number(text)
  const special: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity }
  return special[text.toLowerCase()]
}

function integerOf(text: string): bigint | number | undefined {
  if (!/^[\-+]?\d{1,19}$/v.test(text)) return undefined
  if (Number.isSafeInteger(Number(text))) return Number(text)
  const exact = BigInt(text)
  return BigInt.asIntN(64, exact) === exact ? exact : undefined
}

/** `<ms> <value> [<step> [more]]`; the oldest files have no step. Undefined when it is none. */
export function pointOf(key: string, line: string): Point | undefined {
  const [at = '', text = '', stepText = '0', ...rest] = line.trim().split(' ')
  const [atMs, value, step] = [integerOf(at), valueOf(text), integerOf(stepText)]
  if (atMs === undefined || value === undefined || step === undefined) return undefined
  return { key, atMs, value, step, rest }
}

/** Of all metrics, a chunk at a time. @throws DomainError import_source, naming the line that is no point */
export async function* pointsBelow(folder: string): AsyncGenerator<Point[]> {
  for await (const key of filesBelow(folder)) {
    let before = 0
    for await (const lines of linesOf(join(folder, key))) {
      const points = lines.flatMap((line, index) => {
        if (line.trim() === '') return []
        const point = pointOf(key, line)
        if (point) return [point]
        throw damage(join(folder, key), `has no point in line ${before + index + 1}`)
      })
      before += lines.length
      if (points.length > 0) yield points
    }
  }
}

/** As MLflow's database keeps a value. */
export const storedValue = (value: number): { value: number; is_nan: boolean } =>
  Number.isNaN(value) ? { value: 0, is_nan: true } : { value, is_nan: false }
