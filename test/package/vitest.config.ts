// The package as a user gets it: slower than the rest and in need of the npm registry, so not part of `npm test`.
// eslint-disable-next-line @typescript-eslint/no-unsafe-assignment -- it takes the import's attribute for an assignment
type Config = import('vitest/config', { with: { 'resolution-mode': 'import' } }).ViteUserConfig;

const config: Config = {
  test: {
    include: ['test/package/**/*.check.ts'],
    globalSetup: 'test/support/one-server.ts',
    setupFiles: 'test/support/drop-shops.ts',
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
};

module.exports = config;
