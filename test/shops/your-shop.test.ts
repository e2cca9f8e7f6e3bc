import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../cli/support';
import { blocksOf, rowsShown, withoutTimes } from '../docs/pages';
import { createTables } from './example';

const PAGE = 'docs/your-shop.md';
const textOf = (language: string) => blocksOf(PAGE, language)[0]?.text ?? '';

/** Once it is resumed the event may be sweeping just now: then `run` says so, and one waits. */
async function runBesideTheEvent(words: readonly string[]) {
  let done = await run([...words]);
  while (done.out.includes('another sweep is running')) done = await run([...words]);
  return done;
}

it('docs/your-shop.md leads from tables to orders that the event cancels', async () => {
  const shop = await createTables(textOf('sql'));
  const folder = await mkdtemp(join(tmpdir(), 'your-shop-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'shop.yaml');

  for (const { language, text } of blocksOf(PAGE)) {
    if (language === 'sh') {
      for (const line of text.trim().split('\n')) {
        const [, command = '', into] = /^order-timeout (.+?)(?: > (\S+))?$/.exec(line) ?? [];
        const words = command.replace('shop.yaml', file).split(' ');
        const { out, exitCode, ...said } = await runBesideTheEvent([...words, '--url', shop.url]);
        expect({ line, exitCode, ...(exitCode === 0 ? {} : { out, ...said }) }).toEqual({
          line,
          exitCode: 0,
        });
        if (into !== undefined) await writeFile(file, out);
      }
    } else if (language === 'yaml guessed') {
      expect(withoutTimes(await readFile(file, 'utf8'))).toContain(withoutTimes(text));
    } else if (language === 'yaml') {
      await writeFile(file, text);
    } else if (language === 'sql check') {
      const rows = await shop.run(text);
      expect(rows.map((row) => Object.values(row).map(String))).toEqual(rowsShown(text).slice(1));
    }
  }

  const { out } = await run(['shop', '--url', shop.url]);
  expect(out).toBe(textOf('yaml').trimEnd());
});
