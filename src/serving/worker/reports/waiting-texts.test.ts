// Texts in flat memory: they come out as they went in, whatever is dropped, taken and given back meanwhile.
import { expect, test } from 'vitest'
import { createGenerator } from '../../../statistics/random.ts'
import { GatewayReport, type PredictionRecord } from '../../gateway-report.ts'
import { predictionText } from './prediction-text.ts'
import { createReportBuffer } from './report-buffer.ts'
import { createWaitingTexts, type TakenTexts } from './waiting-texts.ts'

const textOf = ({ pieces }: TakenTexts): string => Buffer.concat(pieces).toString()

test('what is added, dropped and taken in any order is what a list would say', () => {
  const random = createGenerator('texts that wait')
  const texts = createWaitingTexts()
  let expected: string[] = []
  const lent: TakenTexts[] = []
  const seen = { taken: 0, dropped: 0 }
  for (let step = 0; step < 4_000; step++) {
    const choice = random.integer(100)
    if (choice < 80) {
      // Of one, two and three bytes a character, and now and then longer than a chunk.
      const text = `${step}${'aéあ'[random.integer(3)]!.repeat(random.integer(choice === 0 ? 300_000 : 400))};`
      texts.add(text)
      expected.push(text)
    } else if (choice < 95) {
      if (expected.shift() !== undefined) seen.dropped++
      texts.dropOldest()
    } else {
      const taken = texts.take()
      expect(taken.count).toBe(expected.length)
      // What was not given back yet must not have been written over.
      expect(textOf(taken)).toBe(expected.join(''))
      for (const before of lent.splice(0)) before.release()
      lent.push(taken)
      seen.taken += expected.length
      expected = []
    }
    expect(texts.count).toBe(expected.length)
  }
  expect(seen.taken).toBeGreaterThan(1_000)
  expect(seen.dropped).toBeGreaterThan(300)
})

const record = (changes: Partial<PredictionRecord> = {}): PredictionRecord => ({
  id: 'prd_01jd2x4q70008m.3',
  endpoint: 'flights',
  version: 'flights/1',
  role: 'champion',
  assignedWith: 1,
  eventTimeMs: 1_764_000_000_000,
  atMs: 1_764_000_000_001,
  output: [0.30000001192092896],
  shadows: [],
  ...changes,
})

test('a prediction is written as JSON writes it, whatever was written before', () => {
  const records = [
    record(),
    record({ version: 'flights/2', role: 'canary', assignedWith: 0.1 }),
    record({ endpoint: 'flüge "2"', output: [1e-30, -0, 3.4028234663852886e38] }),
    record({ shadows: [{ version: 'flights/3', output: [0.5] }, { version: 'a "b"', output: null }], output: [] }), // prettier-ignore
    record({ assignedWith: 0 }),
    record({ assignedWith: -0 }),
  ]
  for (const each of [...records, ...records.toReversed()]) {
    expect(JSON.parse(predictionText(each))).toEqual(JSON.parse(JSON.stringify(each)))
  }
})

test('a report is what the control plane reads, with no prediction and with the newest of too many', () => {
  const buffer = createReportBuffer('w1', 3)
  const read = (): GatewayReport => {
    const taken = buffer.take([])!
    const report = GatewayReport.parse(JSON.parse(Buffer.concat(taken.pieces).toString()))
    taken.release()
    return report
  }
  buffer.drop(2)
  expect(read()).toMatchObject({ sequence: 1, predictions: [], dropped: 2 })
  for (let id = 0; id < 5; id++) buffer.add(record({ id: `prd_${id}` }))
  buffer.noteEventTime('flights', 7)
  const report = read()
  expect(report.predictions.map(({ id }) => id)).toEqual(['prd_2', 'prd_3', 'prd_4'])
  expect(report).toMatchObject({ sequence: 2, dropped: 2, eventTimes: { flights: 7 } })
  expect(buffer.take([])).toBeUndefined()
  expect(buffer.droppedTotal).toBe(4)
})
