import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
/** What docs/client.md links to, and what those link to. */
const DOCS = ['errors.md', 'feed.md', 'guarantees.md', 'languages.md', 'orm.md'];

/** Packs the wrappers alone, for an application: the path of the tarball is the only line on stdout. */
function packClient(): void {
  npm(ROOT, 'run', 'build');
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
  const folder = mkdtempSync(join(tmpdir(), 'order-timeout-client-'));
  try {
    mkdirSync(join(folder, 'docs'));
    for (const name of DOCS) {
      writeFileSync(join(folder, 'docs', name), withoutLinksOut(doc(name)));
    }
    for (const file of ['index.mjs', 'index.cjs', 'index.d.mts', 'index.d.cts']) {
      cpSync(join(ROOT, 'dist', file), join(folder, 'dist', file));
    }
    cpSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
    writeFileSync(join(folder, 'README.md'), linksTo('docs/', doc('client.md')));
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifestOf(manifest), null, 2));
    const [packed] = JSON.parse(npm(folder, 'pack', '--json', '--pack-destination', ROOT)) as {
      filename: string;
    }[];
    process.stdout.write(`${join(ROOT, String(packed?.filename))}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Manifest = Readonly<Record<string, unknown>>;

function manifestOf({ version, license, engines, main, types, exports, keywords }: Manifest) {
  return {
    name: 'order-timeout-client',
    version,
    description: 'Typed calls of the order-timeout procedures, for applications with mysql2.',
    keywords,
    license,
    type: 'commonjs',
    engines,
    peerDependencies: { mysql2: '>=2.3.0 <4' },
    main,
    types,
    exports,
    files: ['dist', 'docs'],
  };
}

const doc = (name: string) => readFileSync(join(ROOT, 'docs', name), 'utf8');

const linksTo = (folder: string, text: string) =>
  text.replaceAll(/\]\((?=[\w-]+\.md)/g, `](${folder}`);

/** A link to what isn't in the tarball becomes its text. */
const withoutLinksOut = (text: string) =>
  text.replaceAll(/\[([^\]]+)\]\(([^)#]+)[^)]*\)/g, (link, words: string, target: string) =>
    DOCS.includes(target) || target.startsWith('https:') ? link : words,
  );

function npm(folder: string, ...args: string[]): string {
  return execFileSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

packClient();
