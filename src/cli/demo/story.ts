// The demo's months: flights go through the gateway day by day, outcomes follow a day later, and the loop does what it does.
import { loadModel } from '../../models/inference.ts'
import { appendColumns, createBatch } from '../../models/rows.ts'
import type { Signature } from '../../models/signature.ts'
import { createSketch } from '../../statistics/quantile-sketch.ts'
import type { Client } from '../../client/http-client.ts'
import type { Progress } from '../terminal.ts'
import type { FlightDay } from './flight-days.ts'
import type { Decision, LoopWatch } from './loop-watch.ts'
import type { Scoreboard } from './scoreboard.ts'
import { sendOutcomes, type Answer, type Traffic } from './traffic.ts'

export interface Story {
  readonly client: Client
  readonly traffic: Traffic
  readonly watch: LoopWatch
  readonly scoreboard: Scoreboard
  readonly first: FirstModel
  readonly progress: Progress
  /** Called with every decision as it is made. */
  readonly onDecision: (decision: Decision) => void
}

/** The model of January, asked beside whatever answers. */
export interface FirstModel {
  score(day: FlightDay): Promise<Float32Array>
}

const chunkRows = 4096

export async function openFirstModel(onnx: Uint8Array, signature: Signature): Promise<FirstModel> {
  const model = await loadModel(onnx, { signature })
  return {
    async score({ flights }) {
      const scores = new Float32Array(flights.length)
      for (let at = 0; at < flights.length; at += chunkRows) {
        const part = flights.slice(at, at + chunkRows)
        const batch = createBatch(signature, part.length)
        appendColumns(batch, {
          date: part.map(({ date }) => date),
          distance: part.map(({ distance }) => distance),
          origin: part.map(({ origin }) => origin),
          destination: part.map(({ destination }) => destination),
        })
        const { values, width } = await model.run(batch)
        for (let row = 0; row < part.length; row++) scores[at + row] = values[row * width + 1]!
      }
      return scores
    },
  }
}

/** Phases in which the loop works on something that history must wait for: in life, days pass while a model trains; here they are minutes. */
const busyPhases: ReadonlySet<string> = new Set(['ingesting', 'training', 'going_live'])

/** Sends one day's flights, then the outcomes of the day before; waits while the loop trains. */
export async function liveThrough(story: Story, day: FlightDay, before: readonly Outcome[]): Promise<Outcome[]> {
  const { client, traffic, scoreboard, first } = story
  const latencies = createSketch()
  const answers = await traffic.send(day.flights, latencies)
  const unanswered = answers.filter((answer) => answer === undefined).length
  scoreboard.addDay(day.dayMs, { requests: day.flights.length, unanswered, latencies })
  const alone = await first.score(day)
  answers.forEach((answer, row) => {
    if (answer)
      scoreboard.addFlight(day.dayMs, { isLate: day.flights[row]!.isLate, ran: answer.probability, first: alone[row]! })
  })
  await sendOutcomes(client, before)
  await settle(story)
  return outcomesOf(day, answers)
}

export interface Outcome {
  readonly predictionId: string
  readonly value: number
}

function outcomesOf(day: FlightDay, answers: readonly (Answer | undefined)[]): Outcome[] {
  return answers.flatMap((answer, row) =>
    answer ? [{ predictionId: answer.predictionId, value: day.flights[row]!.isLate ? 1 : 0 }] : [],
  )
}

/** Waits while the loop trains, and tells what it decided. */
export async function settle({
  watch,
  progress,
  onDecision,
}: Pick<Story, 'watch' | 'progress' | 'onDecision'>): Promise<void> {
  const tell = async (): Promise<void> => (await watch.news()).forEach(onDecision)
  await watch.until(
    ({ phase }) => !busyPhases.has(phase),
    async () => {
      await tell()
      const step = await watch.progress()
      if (step) progress.update(step.fraction, step.text)
    },
  )
  await tell()
}
