// Reading a server part by part: after a cut what was read whole is not read again, and what a server does not have is told.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DomainError } from '../../../platform/errors.ts'
import { openStaging } from '../staging.ts'
import type { RemoteMlflow } from './client.ts'
import { stageServer } from './stage.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'trueloop-staging-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

type Answers = Readonly<Record<string, (request: Readonly<Record<string, unknown>>) => unknown>>

/** A server of these methods and no others. */
function serverOf(answers: Answers): { remote: RemoteMlflow; asked: string[] } {
  const asked: string[] = []
  const call = async (name: string, request: object): Promise<unknown> => {
    const answer = answers[name]
    if (!answer) throw new DomainError('conflict', 'import_method', `${name}: it answers 404`, { status: 404 })
    const values = Object.values(request).filter((value) => typeof value === 'string')
    asked.push([name, ...values].join(' '))
    return answer(request as Readonly<Record<string, unknown>>)
  }
  const remote = { call: call as RemoteMlflow['call'], json: (path: string) => call(path, {}), async *stream() {} }
  return { remote, asked }
}

const runOf = (id: string) => ({
  info: { run_id: id, experiment_id: '7', status: 'FINISHED', lifecycle_stage: 'active' },
  data: { metrics: [{ key: 'loss' }], params: [{ key: 'empty' }] },
})

const answers: Answers = {
  searchExperiments: () => ({ experiments: [{ experiment_id: '7', name: 'seven', lifecycle_stage: 'deleted' }] }),
  searchRuns: ({ page_token: token }) =>
    token === undefined ? { runs: [runOf('a')], next_page_token: 'second' } : { runs: [runOf('b')] },
  getMetricHistory: ({ page_token: token }) =>
    token === undefined
      ? { metrics: [{ key: 'loss', value: 'NaN', step: 2n ** 60n, timestamp: 1 }], next_page_token: 'more' }
      : { metrics: [{ key: 'loss', value: 'Infinity' }] },
  searchRegisteredModels: () => ({}),
  searchModelVersions: () => ({}),
}

const stage = async ({ remote }: Pick<ReturnType<typeof serverOf>, 'remote'>): Promise<string[]> => {
  const notes: string[] = []
  await using staging = await openStaging(home, 'http://there')
  await stageServer({ remote, staging, note: (what) => notes.push(what), tell: () => {} })
  return notes
}

test('a run that was read whole is not read again after a cut', async () => {
  const away = new DomainError('unavailable', 'import_unreachable', 'gone')
  const cut = serverOf({
    ...answers,
    getMetricHistory(request) {
      if (request['run_id'] === 'b') throw away
      return answers['getMetricHistory']!(request)
    },
  })
  await expect(stage(cut)).rejects.toBe(away)
  const whole = serverOf(answers)
  await stage(whole)
  expect(whole.asked.filter((call) => call.startsWith('getMetricHistory'))).toEqual([
    'getMetricHistory b loss',
    'getMetricHistory b loss more',
  ])
  await using staging = await openStaging(home, 'http://there')
  expect(await staging.all('select run_uuid from runs order by run_uuid')).toEqual([
    { run_uuid: 'a' },
    { run_uuid: 'b' },
  ])
  expect(await staging.all("select step, value, is_nan from metrics where run_uuid = 'a' order by is_nan")).toEqual([
    { step: 0, value: Number.MAX_VALUE, is_nan: 0 },
    { step: 2n ** 60n, value: 0, is_nan: 1 },
  ])
  expect(await staging.all("select value from params where run_uuid = 'a'")).toEqual([{ value: '' }])
})

test('what the server does not have is told, each kind once', async () => {
  const notes = await stage(serverOf(answers))
  const kinds = notes.map((note) => /^Stayed behind: (?<kind>.+?), since/v.exec(note)?.groups?.['kind'])
  // Of a deleted experiment nothing is asked that only an active one has.
  expect(kinds).toEqual(['logged models', 'traces', 'evaluation datasets', 'webhooks'])
})

test('what fails for another reason ends the import', async () => {
  const refused = new DomainError('forbidden', 'import_refused', 'who asks?')
  const server = serverOf({
    ...answers,
    searchLoggedModels() {
      throw refused
    },
  })
  await expect(stage(server)).rejects.toBe(refused)
})
