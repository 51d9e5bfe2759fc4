// The step process of tests: what `app` has as its step entry, with the kinds of tests.
import { openDirectoryBlobs } from '../../platform/blobs-directory.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLog } from '../../platform/log.ts'
import { runStepProcess } from '../step-process.ts'
import { testKinds } from './kinds.ts'

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error('the directory of an attempt is missing')
const code = await runStepProcess(directory, testKinds, async () => ({
  blobs: openDirectoryBlobs(`${directory}/blobs`),
  log: silentLog,
  threads: 1,
  memoryLimitBytes: 256 * 1024 * 1024,
  clock: systemClock,
}))
process.exit(code)
