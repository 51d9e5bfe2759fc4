// The process of one step attempt: `node step.ts <attempt directory>`. Knows every step kind and how to reach the blob store.
import { systemClock } from '../platform/clock.ts'
import { createLog, standardErrorWriter } from '../platform/log.ts'
import { runStepProcess } from '../pipelines/step-process.ts'
import { openBlobs } from './blobs.ts'
import { loadConfig, processEnvironment } from './config.ts'
import { stepKinds } from './step-kinds.ts'

const [directory] = process.argv.slice(2)
if (!directory) throw new Error('step.ts wants the directory of an attempt')
const config = loadConfig(processEnvironment())
const write = standardErrorWriter()
const log = createLog({ level: config.logLevel, format: 'text', clock: systemClock, write })
const code = await runStepProcess(directory, stepKinds(config), async () => ({
  blobs: openBlobs(config),
  log,
  threads: config.stepThreads,
  memoryLimitBytes: config.stepMemoryBytes,
  clock: systemClock,
}))
// Native libraries may keep the event loop turning.
process.exit(code)
