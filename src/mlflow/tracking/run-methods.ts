// MLflow's methods of runs and their tags, but for their search and their metrics and params.
import type { AlsoDeleted } from '../../experiments/deletion.ts'
import { getLinkedRun } from '../../experiments/reading.ts'
import { randomName } from '../../experiments/random-name.ts'
import { changeRun, setRunDeleted, startRun, type RecordingTables } from '../../experiments/recording.ts'
import { removeRunTag, runNameTag } from '../../experiments/run-tags.ts'
import type { RunWriter } from '../../experiments/run-writer.ts'
import { writableRun } from '../../experiments/writable-run.ts'
import { assertWritesRun, tagsOfNewRun } from '../../experiments/write-scope.ts'
import { transact, type Connection } from '../../platform/database.ts'
import { hexId } from '../../platform/ids.ts'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import type { CreateRun } from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { newRunOf, runInfoOf, runOf, stateOfStatus } from './entities.ts'
import { experimentIdOf } from './experiment-ids.ts'
import { fittedTag } from './names.ts'

export interface RunDeps {
  readonly db: Connection<RecordingTables>
  readonly writer: RunWriter<RecordingTables>
  /** `MLFLOW_TRUNCATE_LONG_VALUES`: values of params and tags that are too long are cut off, else refused. */
  readonly truncatesLongValues: boolean
  readonly alsoDeleted: AlsoDeleted
}

const read = 'run.read' as const
const write = 'run.write' as const

/** Clients of long ago send the id of a run under its old name. */
export const runIdOf = ({
  run_id: id,
  run_uuid: old,
}: {
  run_id?: string | undefined
  run_uuid?: string | undefined
}) => id || (old ?? '')

export const runMethods: Methods<RunDeps> = {
  createRun: {
    permission: write,
    async handle({ db }, { request, actor, caller }) {
      const { name, tags: given } = readNewRun(request)
      const experiment = experimentIdOf(request.experiment_id || '0')
      const tags = await tagsOfNewRun(db, caller, { experiment, tags: given })
      const userId = request.user_id ?? ''
      const made = { experiment, id: hexId(), name, tags, userId, startedAtMs: request.start_time ?? 0 }
      return { run: newRunOf(await transact(db, (trx) => startRun(trx, actor, made))) }
    },
  },
  getRun: {
    permission: read,
    async handle({ db }, { request }) {
      const { links, ...run } = await getLinkedRun(db, runIdOf(request))
      return { run: runOf(run, links) }
    },
  },
  updateRun: {
    permission: write,
    async handle({ db, writer }, { request, actor, caller }) {
      const runId = runIdOf(request)
      await assertWritesRun(db, caller, runId)
      const { status, end_time: endedAtMs, run_name: name } = request
      const change = {
        ...(status === undefined ? {} : { state: stateOfStatus[status] }),
        ...(endedAtMs === undefined ? {} : { endedAtMs }),
        ...(name ? { name } : {}),
      }
      const run = await writer.write(runId, async (trx) =>
        changeRun(trx, actor, { run: await writableRun(trx, runId), ...change }),
      )
      return { run_info: runInfoOf(run) }
    },
  },
  deleteRun: {
    permission: write,
    async handle({ db, writer, alsoDeleted }, { request, actor, caller }) {
      const runId = request.run_id ?? ''
      await assertWritesRun(db, caller, runId)
      await writer.write(runId, (trx) => setRunDeleted(trx, actor, { runId, isDeleted: true, alsoDeleted }))
      return {}
    },
  },
  restoreRun: {
    permission: write,
    async handle({ db, writer }, { request, actor, caller }) {
      const runId = request.run_id ?? ''
      await assertWritesRun(db, caller, runId)
      await writer.write(runId, (trx) => setRunDeleted(trx, actor, { runId, isDeleted: false }))
      return {}
    },
  },
  setTag: {
    permission: write,
    async handle({ db, writer, truncatesLongValues }, { request, caller }) {
      const runId = runIdOf(request)
      const { key, value } = fittedTag(request, { truncates: truncatesLongValues })
      await assertWritesRun(db, caller, runId)
      await writer.log(runId, { tags: { [key]: value } })
      return {}
    },
  },
  deleteTag: {
    permission: write,
    async handle({ db, writer }, { request, caller }) {
      const { run_id: runId = '', key = '' } = request
      await assertWritesRun(db, caller, runId)
      await writer.write(runId, (trx) => removeRunTag(trx, { runId, key }))
      return {}
    },
  },
}

/** The name is given as such or as a tag; one that is given by neither is made up. @throws MlflowError */
function readNewRun({ run_name: given = '', tags: sent = [] }: CreateRun): {
  name: string
  tags: Record<string, string>
} {
  const pairs = sent.map(({ key = '', value = '' }): [string, string] => [key, value])
  const tagged = pairs.find(([key]) => key === runNameTag)?.[1] ?? ''
  if (given && tagged && given !== tagged) {
    throw invalidParameter(
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${given}', mlflow.runName='${tagged}').`,
    )
  }
  const name = given || tagged || randomName()
  if (!tagged) pairs.push([runNameTag, name])
  const tags = Object.fromEntries(pairs)
  if (Object.keys(tags).length === pairs.length) return { name, tags }
  throw mlflowError('BAD_REQUEST', 'A tag of the run is given more than once: give each key one value.')
}
