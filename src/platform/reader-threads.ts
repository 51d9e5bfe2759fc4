// The reader of a SQLite file: a few threads that take turns over the queries under way, a chunk each.
import { Worker } from 'node:worker_threads'
import type { CompiledQuery } from 'kysely'
import type { Connection } from './database.ts'
import {
  chunkRows,
  readerDefaults,
  readerOf,
  stalled,
  tooManyReads,
  waitingReadsMax,
  type Reader,
  type ReaderOptions,
} from './reader.ts'
import type { Chunk, ThreadAnswer, ThreadData, ThreadRequest } from './reader-thread.ts'

const threadsMax = 2
/** Of V8's young generation in each: rows live for a moment. */
const youngMegabytes = 4

/** One message to a thread and its answer. */
interface Step {
  readonly request: ThreadRequest
  readonly answered: PromiseWithResolvers<Chunk>
}

interface Thread {
  readonly worker: Worker
  /** The first is with the thread, the others wait for it. */
  readonly steps: Step[]
}

const source = new URL('./reader-thread.ts', import.meta.url)
const file = import.meta.url.endsWith('.ts') ? source : new URL('./reader-thread.js', import.meta.url)

/** Threads for a SQLite file, begun when first used; elsewhere the connection. @param url as of `openDatabase` */
export function openReader<T>(db: Connection<T>, url: string, options: ReaderOptions = readerDefaults): Reader {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ':memory:'
  return path === ':memory:' ? readerOf(db, options) : createReader(path, options)
}

function startWorker(path: string): Worker {
  const workerData: ThreadData = { path, chunkRows }
  return new Worker(file, { workerData, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes } })
}

function startThread(path: string, onEnd: (thread: Thread) => void): Thread {
  const thread: Thread = { worker: startWorker(path), steps: [] }
  const { worker, steps } = thread
  worker.unref()
  worker.on('message', (answer: ThreadAnswer) => {
    const done = steps.shift()
    if (steps[0]) worker.postMessage(steps[0].request)
    else worker.unref()
    if (answer.kind === 'chunk') done?.answered.resolve(answer)
    else done?.answered.reject(Object.assign(new Error(answer.message), { errcode: answer.errcode }))
  })
  const fail = (error: Error): void => {
    onEnd(thread)
    for (const step of steps.splice(0)) step.answered.reject(error)
  }
  worker.on('error', fail)
  worker.on('exit', () => fail(new Error('a reader thread has ended')))
  return thread
}

function ask({ worker, steps }: Thread, request: ThreadRequest): Promise<Chunk> {
  const step: Step = { request, answered: Promise.withResolvers() }
  steps.push(step)
  if (steps.length === 1) {
    worker.ref() // The process stays for an answer that somebody waits for.
    worker.postMessage(request)
  }
  return step.answered.promise
}

/** Nobody waits for the rest of a read. */
const end = (thread: Thread, id: number): void => void ask(thread, { kind: 'end', id }).catch(() => undefined)

function createReader(path: string, options: ReaderOptions): Reader {
  const threads = new Set<Thread>()
  let reads = 0
  let ids = 0

  /** One at rest, a new one while there are few, or the one with the least to do. */
  function pickThread(): Thread {
    const [least] = [...threads].toSorted((a, b) => a.steps.length - b.steps.length)
    if (least && (least.steps.length === 0 || threads.size >= threadsMax)) return least
    const thread = startThread(path, (ended) => threads.delete(ended)) // The next read starts another.
    threads.add(thread)
    return thread
  }

  async function* rows<R>({ sql, parameters }: CompiledQuery<R>): AsyncGenerator<R[]> {
    if (reads >= waitingReadsMax) throw tooManyReads()
    reads++
    const thread = pickThread()
    const id = ids++
    let isOpen = true
    const giveUp = (): void => {
      if (isOpen) end(thread, id)
      isOpen = false
    }
    try {
      let chunk = await ask(thread, { kind: 'start', id, sql, parameters })
      while (!chunk.isLast) {
        const timer = setTimeout(giveUp, options.stallMs).unref()
        yield objectsOf<R>(chunk)
        clearTimeout(timer)
        if (!isOpen) throw stalled(options)
        chunk = await ask(thread, { kind: 'more', id })
      }
      isOpen = false
      if (chunk.rows > 0) yield objectsOf<R>(chunk)
    } finally {
      reads--
      giveUp()
    }
  }

  return {
    rows,
    async all(query) {
      const found = []
      for await (const chunk of rows(query)) found.push(...chunk)
      return found
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...threads].map(({ worker }) => worker.terminate()))
    },
  }
}

const objectsOf = <R>({ names, columns, rows }: Chunk): R[] =>
  Array.from({ length: rows }, (_, row) => {
    const object: Record<string, unknown> = {}
    for (let at = 0; at < names.length; at++) object[names[at]!] = columns[at]![row]
    return object as R
  })
