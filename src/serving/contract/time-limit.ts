// Waiting for something, but not for ever, and leaving no timer behind that would keep the process alive.
import { sleep } from '../../platform/clock.ts'

/** Whether the work ended within the time; it goes on either way. Its failure is the caller's. */
export async function endsWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const over = new AbortController()
  try {
    return await Promise.race([work.then(() => true), sleep(limitMs, over.signal).then(() => false)])
  } finally {
    over.abort()
  }
}
