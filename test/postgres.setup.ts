// Starts a real PostgreSQL for the tests that run on both databases; it is gone with the run.
import { startPostgres } from './postgres.ts'

export default async function setup(): Promise<() => Promise<void>> {
  const postgres = await startPostgres()
  process.env['TRUELOOP_TEST_POSTGRES'] = postgres.url
  return async () => {
    await postgres[Symbol.asyncDispose]()
  }
}
