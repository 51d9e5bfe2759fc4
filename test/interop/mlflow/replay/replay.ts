// Sends one plan to a server, call after call, and keeps what it answered.
import { sleep } from '../../../../src/platform/clock.ts'
import { keptConnection, send } from '../http.ts'
import type { MlflowServer } from '../servers.ts'
import { at, bodyOf, normalised, type Answer } from './answer.ts'
import { filled, type Call } from './call.ts'

/** Entities are ordered by when they were created, in milliseconds: of two in the same one, each server has its own order. */
const creates = /\/(?:create|logged-models)$/v
const betweenCreationsMs = 3

export async function replay(
  server: Pick<MlflowServer, 'url' | 'directory'>,
  calls: readonly Call[],
): Promise<readonly Answer[]> {
  const agent = keptConnection()
  const known = new Map<string, string>()
  const names = new Map<string, string>()
  const answers: Answer[] = []
  try {
    for (const call of calls) {
      const raw = await send(server.url, requestOf(call, known), agent)
      const body = bodyOf(raw)
      for (const [name, path] of Object.entries(call.take)) {
        const id = at(body, path)
        if (typeof id !== 'string' || id === '') continue
        known.set(name, id)
        if (!name.endsWith('page') && !name.includes('next')) names.set(id, name)
      }
      answers.push(normalised(raw, { names, ...server, nowMs: Date.now() }))
      if (creates.test(call.path)) await sleep(betweenCreationsMs)
    }
    return answers
  } finally {
    agent.destroy()
  }
}

function requestOf(call: Call, known: ReadonlyMap<string, string>): Parameters<typeof send>[1] {
  const { method, path, headers } = call
  const query = call.query.map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(filled(value, known))}`,
  )
  const body = filled(call.body, known)
  return {
    method,
    path: filled(path, known) + (query.length > 0 ? `?${query.join('&')}` : ''),
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  }
}
