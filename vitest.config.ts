import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Results must not depend on the host's zone: an odd one, with a DST change at 00:01, shows it.
    // Hundreds of processes are started: none needs to compile what another has compiled.
    env: {
      TZ: 'America/St_Johns',
      NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled'),
    },
    // a busy machine takes several times as long as an idle one
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // most of the time is waiting for processes and sockets: two share two cores without disturbing each other
    maxWorkers: 2,
  },
})
