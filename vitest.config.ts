// Three projects: unit (beside the code), tidy (the house's rules), integration (real Postgres, sockets, clients).
import { env } from 'node:process';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './test/count-reporter.ts';

export default defineConfig({
  test: {
    reporters: ['default', ...(env['CARILLON_TEST_COUNTS'] ? [new CountReporter()] : [])],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{protocol,event-graph,platform,federation,homeserver,media-repo,load-tests}/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: 'tidy', include: ['test/tidy/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/{integration,conformance,vectors}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          globalSetup: ['test/integration/support/secret-search.ts'],
          maxWorkers: 2,
        },
      },
    ],
  },
});
