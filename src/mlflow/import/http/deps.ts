// What each part of reading a server works with.
import { DomainError } from '../../../platform/errors.ts'
import type { Staging } from '../staging.ts'
import type { RemoteMlflow } from './client.ts'

export interface StageDeps {
  readonly remote: RemoteMlflow
  readonly staging: Staging
  /** Hears what will not come, or not whole: a sentence. */
  readonly note: (what: string) => void
  /** Hears how far it is. */
  readonly tell: (what: string) => void
}

/** An experiment of the source. */
export interface SourceExperiment {
  readonly id: string
  readonly isDeleted: boolean
}

interface Page {
  readonly next_page_token?: string | undefined
}

/** Every page of a list. */
export async function* pagesOf<Answer extends Page>(
  ask: (token: string | undefined) => Promise<Answer>,
): AsyncGenerator<Answer> {
  for (let token: string | undefined; ;) {
    const page: Answer = await ask(token)
    yield page
    const next = page.next_page_token
    if (next === undefined || next === '' || next === token) return
    token = next
  }
}

/** Of a kind that old servers, or those on a folder, do not have: then it is noted, and nothing of it comes. */
export async function unlessAbsent(deps: StageDeps, kind: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'import_method')) throw error
    deps.note(`Stayed behind: ${kind}, since the server does not tell them (${error.message})`)
  }
}

/** Each part once, whatever import was cut short in between. */
export async function once({ staging }: StageDeps, part: string, work: () => Promise<void>): Promise<void> {
  if (staging.isFinished(part)) return
  await work()
  staging.finish(part)
}

const atOnce = 4

/** A few at a time: each waits for a server. */
export async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = [...items]
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
