import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Results must not depend on the host's zone: an odd one, with a DST change at 00:01, shows it.
    env: { TZ: 'America/St_Johns' },
    // a busy machine takes several times as long as an idle one
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // most tests wait for processes and sockets; in CI, where nobody waits, none shall disturb another
    maxWorkers: process.env['CI'] === undefined ? 2 : 1,
  },
})
