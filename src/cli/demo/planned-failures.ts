// The demo's planned failures, as a person would bring them: a graph made elsewhere, uploaded and proposed.
import { z } from 'zod'
import { pathOf, type Client } from '../../client/http-client.ts'
import { literal } from '../../platform/tables-sql.ts'
import { openTables } from '../../platform/tables.ts'
import type { ColumnArray } from '../../platform/tables-columnar.ts'
import { createGenerator } from '../../statistics/random.ts'
import type { Frame, FrameColumn } from '../../training/frame.ts'
import { GradientBoostingSpec } from '../../training/trainer-spec.ts'
import { train } from '../../training/trainer.ts'

export interface FlightSample {
  /** Parquet with the flights. */
  readonly file: string
  /** Half-open range of dates, as `2001-01-01`. */
  readonly from: string
  readonly to: string
  /** How many rows at most, drawn by the seed. */
  readonly rows: number
  readonly seed: number
  readonly tempDirectory: string
}

const lateMinutes = 15
const memoryLimitBytes = 256 * 1024 * 1024
const features = ['date', 'distance', 'origin', 'destination'] as const

/** Rows of the flights with their labels: whether they were more than 15 minutes late. */
export async function readFlightSample(input: FlightSample): Promise<Frame> {
  await using tables = await openTables({ memoryLimitBytes, tempDirectory: input.tempDirectory, threads: 1 })
  // `hash` of the row number and the seed: the same rows each time.
  const { rowCount, columns } = await tables.columnar(`
    select ${features.join(', ')}, delay > ${lateMinutes} as is_late
    from read_parquet(${literal(input.file)}, file_row_number = true)
    where date >= ${literal(input.from)}::timestamp and date < ${literal(input.to)}::timestamp and delay is not null
    order by hash(file_row_number + ${Math.trunc(input.seed)}) limit ${Math.trunc(input.rows)}`)
  const column = (name: string): ColumnArray => {
    const found = columns.get(name)
    if (!found) throw new Error(`the column ${name} was not read`)
    return found
  }
  const target = column('is_late')
  if (target.kind !== 'number') throw new Error('the label is no number')
  return { rowCount, columns: features.map((name) => frameColumn(name, column(name))), target: target.values }
}

function frameColumn(name: string, array: ColumnArray): FrameColumn {
  if (array.kind === 'number') return { kind: 'number', name, values: array.values }
  if (array.kind === 'time') return { kind: 'time', name, micros: array.micros }
  return { kind: 'category', name, codes: array.codes, categories: array.categories }
}

/** A model that has learned nothing true: labels dealt out to the wrong rows. Answers the ONNX bytes; seconds of work in this process. */
export async function shuffledModel(input: FlightSample): Promise<Uint8Array> {
  const frame = await readFlightSample(input)
  const target = createGenerator(input.seed).fork('labels').shuffle(frame.target.slice())
  const spec = GradientBoostingSpec.parse({ trainer: 'gradient_boosting', iterations: 60 })
  const { onnx } = await train({ spec, frame: { ...frame, target }, seed: input.seed, threads: 1 })
  return onnx
}

export interface ProposedGraph {
  readonly loop: string
  readonly onnx: Uint8Array
  /** What it is, in the proposer's words: it becomes part of the loop's history. */
  readonly reason: string
}

const Uploaded = z.object({ digest: z.string(), bytes: z.int() })

/**
 * Uploads a graph and proposes it. Resolves when it is accepted; what came of it is in the loop's history. Answers the graph's digest.
 * @throws DomainError loop_not_found, proposals_full, server_unreachable
 */
export async function propose(client: Client, { loop, onnx, reason }: ProposedGraph): Promise<string> {
  const bytes = Uint8Array.from(onnx)
  const { digest } = await client.call({ method: 'POST', path: '/blobs', bytes, answer: Uploaded })
  const path = pathOf`/loops/${loop}/proposals`
  await client.call({ method: 'POST', path, body: { digest, reason }, answer: z.unknown() })
  return digest
}
