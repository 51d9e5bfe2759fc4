// The flights that the demo replays: a fixed share of each day, in the order in which they happened.
import { openTables } from '../../platform/tables.ts'
import { literal } from '../../platform/tables-sql.ts'

export interface Flight {
  /** ISO 8601, UTC. */
  readonly date: string
  readonly dateMs: number
  readonly distance: number
  readonly origin: string
  readonly destination: string
  /** Whether it arrived more than 15 minutes late: what the model predicts, and what arrives as the outcome a day later. */
  readonly isLate: boolean
}

export interface FlightDay {
  /** Midnight, UTC. */
  readonly dayMs: number
  readonly flights: readonly Flight[]
}

const lateMinutes = 15
const memoryLimitBytes = 256 * 1024 * 1024

/** Every `oneIn`-th flight of the file that fell in [from, to), dates as `2001-02-01`. */
export async function readFlightDays(input: {
  file: string
  from: string
  to: string
  oneIn: number
  tempDirectory: string
}): Promise<FlightDay[]> {
  await using tables = await openTables({ memoryLimitBytes, tempDirectory: input.tempDirectory, threads: 2 })
  const rows = await tables.rows(`
    select epoch_ms(date) as date_ms, distance, origin, destination, delay > ${lateMinutes} as is_late
    from read_parquet(${literal(input.file)}, file_row_number = true)
    where date >= ${literal(input.from)}::timestamp and date < ${literal(input.to)}::timestamp and file_row_number % ${input.oneIn} = 0
    order by date, file_row_number`)
  const days = new Map<number, Flight[]>()
  for (const row of rows) {
    const dateMs = Number(row['date_ms'])
    const dayMs = Math.floor(dateMs / dayLengthMs) * dayLengthMs
    const flight: Flight = {
      date: new Date(dateMs).toISOString(),
      dateMs,
      distance: Number(row['distance']),
      origin: text(row['origin']),
      destination: text(row['destination']),
      isLate: row['is_late'] === true,
    }
    const flights = days.get(dayMs)
    if (flights) flights.push(flight)
    else days.set(dayMs, [flight])
  }
  return [...days].map(([dayMs, flights]) => ({ dayMs, flights }))
}

const text = (cell: unknown): string => (typeof cell === 'string' ? cell : '')

export const dayLengthMs = 86_400_000
