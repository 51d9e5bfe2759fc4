// The gateway's metrics: documented one by one, and text that Prometheus' own tool accepts.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallModel } from '../models/testing.ts'
import { createMetrics, label, metricFamilies, metricsText, type MetricName } from './gateway-metrics.ts'
import { smallConfig, startTestWorker } from './testing.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/reference/metrics.md'), 'utf8')

test('metrics.md has every metric with its type and its sentence, and none that does not exist', () => {
  const rows = [...page.matchAll(/^\| `(?<name>trueloop_\w+)` \| (?<type>\w+) \|[^\|]*\| (?<help>.*) \|$/gmv)]
  expect(rows.map(({ groups }) => [groups!['name'], groups!['type'], groups!['help']])).toEqual(
    Object.entries(metricFamilies).map(([name, { type, help }]) => [name, type, help]),
  )
})

const hasPromtool = spawnSync('promtool', ['--version']).status === 0

test.runIf(hasPromtool)(
  'promtool has nothing against any metric, nor against what a worker that was asked says',
  async () => {
    const metrics = createMetrics()
    const odd = label('endpoint', 'a"b\\c\nd')
    for (const [name, { type }] of Object.entries(metricFamilies) as [MetricName, { type: string }][]) {
      if (type === 'histogram') metrics.observe(name, odd, 0.3)
      else metrics.add(name, odd, 1)
    }
    await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
    await gateway.infer([1])
    await gateway.infer([1], { path: '/v2/models/none/infer' })
    const told = await (await fetch(`${gateway.url}/metrics`)).text()
    expect(told).toContain('trueloop_inference_rows_total{')
    for (const input of [metricsText(metrics.snapshot), told])
      expect(execFileSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' })).toBe('')
  },
)
