// What a worker asks of its primary: numbers of all workers, and changes that all of them must follow.
import { DomainError } from '../../platform/errors.ts'
import type { FromWorker, ToWorker } from '../contract/gateway-messages.ts'
import type { RepositoryChange } from '../contract/gateway-repository.ts'
import type { VersionStatistics } from '../contract/gateway-statistics.ts'

const numbersLimitMs = 2_000
/** As long as new workers may take to come up. */
const changeLimitMs = 130_000

type Question =
  | { readonly kind: 'metrics_wanted' | 'statistics_wanted' }
  | { readonly kind: 'repository_wanted'; readonly change: RepositoryChange }
type Answer = Extract<ToWorker, { readonly id: number }>

export interface PrimaryCalls {
  /** @throws DomainError metrics_unavailable, as all of them when the primary is silent */
  metricsText(): Promise<string>
  statistics(): Promise<readonly VersionStatistics[]>
  /** @throws DomainError endpoint_not_served, endpoint_load_failed */
  change(change: RepositoryChange): Promise<void>
  /** Every answer of the primary to one of these. */
  receive(answer: Answer): void
}

export function createPrimaryCalls(tell: (message: FromWorker) => void): PrimaryCalls {
  let lastId = 0
  const waiting = new Map<number, (answer: Answer) => void>()
  const ask = (question: Question, limitMs: number): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const id = ++lastId
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(new DomainError('unavailable', 'metrics_unavailable', 'the gateway did not answer in time: try again'))
      }, limitMs)
      waiting.set(id, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      tell({ ...question, id })
    })
  return {
    async metricsText() {
      const answer = await ask({ kind: 'metrics_wanted' }, numbersLimitMs)
      return answer.kind === 'metrics' ? answer.text : ''
    },
    async statistics() {
      const answer = await ask({ kind: 'statistics_wanted' }, numbersLimitMs)
      return answer.kind === 'statistics' ? answer.statistics : []
    },
    async change(change) {
      const answer = await ask({ kind: 'repository_wanted', change }, changeLimitMs)
      if (answer.kind !== 'repository' || !answer.refusal) return
      const { kind, code, message } = answer.refusal
      throw new DomainError(kind, code, message)
    },
    receive(answer) {
      waiting.get(answer.id)?.(answer)
      waiting.delete(answer.id)
    },
  }
}
