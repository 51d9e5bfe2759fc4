// The demo's planned failures: when each begins, and how. Nothing in the gateway or the gate knows of them.
import type { Client } from '../../client/http-client.ts'
import { fragileModel } from './fragile-model.ts'
import { propose, shuffledModel } from './planned-failures.ts'

export interface PlannedFailure {
  /** Not before this day of event time. */
  readonly fromMs: number
  begin(now: { nowMs: number }): Promise<void>
}

const fromMs = Date.parse('2001-06-04')
/** Enough to learn from, were the labels true. */
const shuffledRows = 60_000
const seed = 7

interface FailureInput {
  readonly client: Client
  readonly loop: string
  /** The flights. */
  readonly file: string
  readonly tempDirectory: string
  /** The graph of the version that serves. */
  readonly championOnnx: () => Promise<Uint8Array>
}

/**
 * First a candidate that has learned nothing, which the gate must refuse; then one that is right on every row up to the day on which it is
 * proposed, and fails or crawls on later ones, which only live traffic can show.
 */
export function plannedFailures({ client, loop, file, tempDirectory, championOnnx }: FailureInput): PlannedFailure[] {
  return [
    {
      fromMs,
      async begin() {
        const onnx = await shuffledModel({
          file,
          from: '2001-01-01',
          to: '2001-02-01',
          rows: shuffledRows,
          seed,
          tempDirectory,
        })
        await propose(client, { loop, onnx, reason: 'planned failure: trained on shuffled labels' })
      },
    },
    {
      fromMs,
      async begin({ nowMs }) {
        const onnx = fragileModel(await championOnnx(), { safeUntilMs: nowMs })
        await propose(client, { loop, onnx, reason: 'planned failure: breaks on values that only live traffic has' })
      },
    },
  ]
}
