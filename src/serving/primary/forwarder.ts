// Sends what lies in the spool to the control plane, oldest first, until it is taken.
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sleep } from '../../platform/clock.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { endsWithin } from '../contract/time-limit.ts'
import {
  clearUnfinished,
  listSpool,
  createReportReader,
  removeReport,
  type SpooledReport,
} from '../worker/reports/report-spool.ts'
import { post, type FindControlPlane } from './control-plane.ts'

const pollMs = 50
const retryBaseMs = 200
const retryCapMs = 5_000
/** Refused files that are kept for a look. */
const rejectedMax = 100

export interface Forwarder {
  readonly pending: number
  readonly isControlPlaneUp: boolean
  /** Tries once more to send all there is, within the time; then ends. */
  stop(limitMs: number): Promise<void>
}

export interface ForwarderDeps {
  readonly directory: string
  readonly path: string
  readonly find: FindControlPlane
  readonly log: Log
}

/** Before the first worker starts. */
export function startForwarder(deps: ForwarderDeps): Forwarder {
  clearUnfinished(deps.directory)
  const stopping = new AbortController()
  let pending = 0
  let isControlPlaneUp = true
  let read = createReportReader()

  /** Sends until the spool is empty. @throws DomainError control_plane_unavailable */
  const sendAll = async (): Promise<void> => {
    const spool = await listSpool(deps.directory)
    pending = spool.length
    for (const report of spool) {
      const { isTaken, reason } = await post(deps.find, deps.path, await read(report))
      if (isTaken) await removeReport(report)
      else await reject(deps, report, reason)
      pending--
      isControlPlaneUp = true
    }
  }
  const loop = async (): Promise<void> => {
    for (let failures = 0; !stopping.signal.aborted;) {
      try {
        await sendAll()
        failures = 0
        await sleep(pollMs, stopping.signal)
      } catch (error) {
        read = createReportReader() // What was on its way may still be looked at.
        if (failures++ === 0)
          deps.log.warn('reports wait for the control plane', { path: deps.path, error: messageOf(error) })
        isControlPlaneUp = false
        await sleep(Math.min(retryCapMs, retryBaseMs * 2 ** Math.min(failures, 10)), stopping.signal)
      }
    }
  }
  const finished = loop()
  return {
    get pending() {
      return pending
    },
    get isControlPlaneUp() {
      return isControlPlaneUp
    },
    async stop(limitMs) {
      stopping.abort()
      await finished
      await endsWithin(
        sendAll().catch(() => undefined),
        limitMs,
      )
    },
  }
}

/** What the control plane will never take is set aside, so that it does not stand in the way of the rest. */
async function reject({ directory, log }: ForwarderDeps, report: SpooledReport, reason: string): Promise<void> {
  const rejected = join(directory, 'rejected')
  await mkdir(rejected, { recursive: true, mode: 0o700 })
  await rename(report.path, join(rejected, basename(report.path)))
  log.error('the control plane refused a report for good; it is kept aside', { file: basename(report.path), reason })
  const names = (await readdir(rejected)).toSorted()
  for (const name of names.slice(0, Math.max(0, names.length - rejectedMax)))
    await rm(join(rejected, name), { force: true })
}
