// CommonJS, like the whole project; vitest's own types are an ES module's.
// eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- it takes the import's attribute for an assignment
type Config = import('vitest/config', { with: { 'resolution-mode': 'import' } }).ViteUserConfig;

const config: Config = {
  test: {
    include: ['test/**/*.test.ts'],
    reporters: process.env.TEST_REPORT
      ? ['default', ['json', { outputFile: process.env.TEST_REPORT }]]
      : ['default'],
    globalSetup: 'test/support/one-server.ts',
    setupFiles: 'test/support/drop-shops.ts',
    // Tests wait for MySQL more than they compute: a third worker keeps two cores busy.
    pool: 'forks',
    maxWorkers: 3,
    // A file leaves nothing behind that another one could see, and to load all of the tooling takes a second.
    isolate: false,
    testTimeout: 60_000,
    // A first run may have a MySQL to fetch.
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
};

module.exports = config;
