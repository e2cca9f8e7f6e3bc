import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const ROOT = join(__dirname, '../../..');
const CLIENT = join(ROOT, 'scripts/index');

const NODE: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  target: 'node20',
};

/** The command line calls the client that lies beside it, instead of having a second one within. */
const clientBeside: Plugin = {
  name: 'client-beside',
  setup: (bundler) => {
    bundler.onResolve({ filter: /\/index$/ }, ({ path, resolveDir }) =>
      join(resolveDir, path) === CLIENT ? { path: '../index.cjs', external: true } : undefined,
    );
  },
};

/** dist: the client as CommonJS, with an ES module that is the same one, one declaration, and the command line. */
async function buildPackage(): Promise<void> {
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  await build({
    ...NODE,
    entryPoints: ['scripts/index.ts'],
    format: 'cjs',
    outfile: 'dist/index.cjs',
  });
  await build({
    ...NODE,
    entryPoints: ['scripts/cli/main.ts'],
    outfile: 'dist/cli/main.js',
    format: 'cjs',
    packages: 'external',
    plugins: [clientBeside],
    minify: true,
  });
  const types = ['-o', 'dist/index.d.cts', '--no-banner', '--silent'];
  execFileSync(
    'npx',
    ['dts-bundle-generator', ...types, '--export-referenced-types=false', 'scripts/index.ts'],
    { cwd: ROOT, stdio: 'inherit' },
  );
  // Whoever imports and whoever requires has the same classes: instanceof holds for both.
  for (const file of ['index.mjs', 'index.d.mts'])
    writeFileSync(join(ROOT, 'dist', file), "export * from './index.cjs';\n");
}

void buildPackage();
