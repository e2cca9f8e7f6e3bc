import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { run } from '../cli/support';
import { createShop } from '../support';

interface Block {
  readonly language: string;
  readonly text: string;
}

async function blocksOf(page: string): Promise<Block[]> {
  const text = await readFile(join(__dirname, '../../docs', page), 'utf8');
  return [...text.matchAll(/^```(?<language>[^\n]+)\n(?<text>[^]*?)^```$/gm)].map(
    ({ groups = {} }) => ({ language: groups.language ?? '', text: groups.text ?? '' }),
  );
}

const textOf = (blocks: readonly Block[], language: string) =>
  blocks.find((block) => block.language === language)?.text ?? '';

/** Times are another day's. */
const withoutTimes = (text: string) => text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME');

/** The rows that a page shows in comments under a query. */
const shownRows = (text: string) =>
  [...text.matchAll(/^-- (.*\|.*)$/gm)]
    .slice(1)
    .map(([, row = '']) => row.split('|').map((cell) => cell.trim()));

/** Once it is resumed the event may be sweeping just now: then `run` says so, and one waits. */
async function runBesideTheEvent(words: readonly string[]) {
  let done = await run([...words]);
  while (done.out.includes('another sweep is running')) done = await run([...words]);
  return done;
}

it('docs/your-shop.md leads from tables to orders that the event cancels', async () => {
  const blocks = await blocksOf('your-shop.md');
  const shop = await createShop({ deploy: false, schema: () => textOf(blocks, 'sql') });
  const folder = await mkdtemp(join(tmpdir(), 'your-shop-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'shop.yaml');

  for (const { language, text } of blocks) {
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
      expect(rows.map((row) => Object.values(row).map(String))).toEqual(shownRows(text));
    }
  }

  const { out } = await run(['shop', '--url', shop.url]);
  expect(out).toBe(textOf(blocks, 'yaml').trimEnd());
});
