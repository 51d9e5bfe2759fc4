// How the tests run: on Node's own loader and type stripping, so that what passes is what runs.
import { defineConfig } from 'vitest/config'

const shared = {
  pool: 'forks' as const,
  experimental: { viteModuleRunner: false },
  testTimeout: 120_000,
  hookTimeout: 120_000,
}
const exclude = ['**/*.slow.test.ts', '**/node_modules/**']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'server',
          env: { TRUELOOP_TEST_POSTGRES: '' },
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
          name: 'slow',
          include: ['src/**/*.slow.test.ts', 'test/**/*.slow.test.ts'],
          testTimeout: 900_000,
        },
      },
    ],
  },
})
