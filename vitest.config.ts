// How the tests run: on Node's own loader and type stripping, so that what passes is what runs.
import { defineConfig } from 'vitest/config'

/** Tests that open ONNX Runtime themselves, or Python's, report nothing to its maker. */
const quiet = { ORT_DISABLE_TELEMETRY: '1' }
const shared = {
  env: quiet,
  pool: 'forks' as const,
  // Files share the processes they run in: importing the same modules for each file took most of the time.
  isolate: false,
  experimental: { viteModuleRunner: false },
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // What is waited for comes, if late: a busy machine lets a process stand for seconds.
  expect: { poll: { timeout: 60_000 } },
}
/** What another project's setup has started is not for this one. */
const ownHome = { ...quiet, TRUELOOP_TEST_DATABASE: '', TRUELOOP_TEST_BLOBS: '' }
/** Tests that start whole homes, measure time or kill processes have the machine to themselves. */
const alone = { testTimeout: 900_000, fileParallelism: false }
const exclude = ['**/*.slow.test.ts', '**/node_modules/**']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'server',
          env: { ...ownHome, TRUELOOP_TEST_POSTGRES: '' },
          include: ['src/**/*.test.ts', 'test/journeys/**/*.test.ts'],
          exclude,
        },
      },
      // Every test of a store runs a second time, on a real PostgreSQL.
      {
        test: {
          ...shared,
          name: 'postgres',
          include: ['src/**/*.db.test.ts'],
          exclude,
          globalSetup: ['test/postgres.setup.ts'],
        },
      },
      {
        test: {
          ...shared,
          ...alone,
          name: 'slow',
          isolate: true,
          env: ownHome,
          include: ['src/**/*.slow.test.ts', 'test/**/*.slow.test.ts'],
          sequence: { groupOrder: 1 },
        },
      },
      // Every test of a whole home's life and of its crashes runs a second time, on a real PostgreSQL and a real S3 server.
      {
        test: {
          ...shared,
          ...alone,
          name: 'postgres-s3',
          include: ['test/journeys/loop.test.ts', 'test/crash/**/*.slow.test.ts'],
          globalSetup: ['test/interop/postgres-s3.setup.ts'],
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
