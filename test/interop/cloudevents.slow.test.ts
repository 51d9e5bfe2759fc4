// Events of a worker as the CloudEvents package for Python reads them.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallModel } from '../../src/models/testing.ts'
import { sleep } from '../../src/platform/clock.ts'
import { defaultOptions } from '../../src/serving/endpoint-options.ts'
import { smallConfig, startTestWorker } from '../../src/serving/testing.ts'
import { ensureVenv } from './venv.ts'

interface Said {
  readonly port?: number
  readonly attributes: Readonly<Record<string, string>>
  readonly data: Readonly<Record<string, unknown>>
}

test('the CloudEvents package reads request and answer', async () => {
  const { python } = await ensureVenv(['cloudevents==1.13.0'])
  const sink = spawn(python, [join(import.meta.dirname, 'cloudevents_reader.py')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const events: Said[] = []
  const port = await new Promise<number>((resolve) => {
    createInterface({ input: sink.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Said
      if (said.port) resolve(said.port)
      else events.push(said)
    })
  })
  try {
    const [endpoint] = smallConfig().endpoints
    const eventSink = { urls: [`http://127.0.0.1:${port}/events`], mode: 'all' as const }
    const config = { generation: 1, endpoints: [{ ...endpoint!, options: { ...defaultOptions, eventSink } }] }
    await using gateway = await startTestWorker(config, [{ bytes: smallModel() }], { allowedAddresses: ['127.0.0.1'] })
    const response = await gateway.infer([1.5], { carrier: 'Ä"' })
    const answer = (await response.json()) as Record<string, unknown>
    for (let waited = 0; events.length < 2 && waited < 60_000; waited += 20) await sleep(20)
    const id = response.headers.get('trueloop-prediction-id')
    expect(
      events.map(({ attributes: { id: own, specversion, type, source } }) => [own, specversion, type, source]),
    ).toEqual([
      [id, '1.0', 'org.kubeflow.serving.inference.request', '/v2/models/flights'],
      [id, '1.0', 'org.kubeflow.serving.inference.response', '/v2/models/flights'],
    ])
    expect(events[0]!.attributes).toMatchObject({ inferenceservicename: 'flights', endpoint: 'default' })
    expect(events[0]!.data['inputs']).toMatchObject([{ data: [1.5] }, { data: ['Ä"'] }, { name: 'date' }])
    expect(events[1]!.attributes['statuscode']).toBe('200')
    expect(events[1]!.data).toEqual(answer)
  } finally {
    sink.kill('SIGKILL')
  }
})
