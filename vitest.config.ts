// How the tests run: on Node's own loader and type stripping, so that what passes is what runs.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    pool: 'forks',
    include: ['src/**/*.test.ts', 'test/journeys/**/*.test.ts'],
    exclude: ['**/*.slow.test.ts', '**/node_modules/**'],
    experimental: { viteModuleRunner: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
