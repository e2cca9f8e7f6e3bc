import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { brokenLinks, pages, readPage as read, ROOT } from './pages';

const sqlFiles = () =>
  readdirSync(join(ROOT, 'sql'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.sql'))
    .map((file) => join('sql', file));

/** The cells of a page's tables, row by row, of the part under one heading. */
function rowsUnder(page: string, heading: string): string[][] {
  const [, part = ''] =
    new RegExp(`^## ${heading}\n([^]*?)(?=^## |$(?![^]))`, 'm').exec(read(page)) ?? [];
  return [...part.matchAll(/^\| (?!-)(.*) \|$/gm)].map(([, row = '']) =>
    row.split(' | ').map((cell) => cell.trim()),
  );
}

/** Number and first word of every error that the SQL raises as its own. */
function signalled(): [word: string, number: number][] {
  const found = new Map<string, number>();
  for (const file of sqlFiles()) {
    const text = read(file);
    const signals = [...text.matchAll(/MYSQL_ERRNO = (5\d{4})/g)];
    // A text is put together shortly before the SIGNAL, or stands in it.
    const words = [...text.matchAll(/'([A-Z_]+): /g)].map(([, word = '']) => word);
    expect({ file, words: words.length }).toEqual({ file, words: signals.length });
    signals.forEach(([, number], index) => found.set(words[index] ?? '', Number(number)));
  }
  return [...found].sort(([, one], [, other]) => one - other);
}

it('docs/errors.md has every error of the SQL: word, number, the number as a signed 16-bit value, SQLSTATE', () => {
  const [, ...rows] = rowsUnder('docs/errors.md', 'Ours');

  expect(rows.map((cells) => cells.slice(0, 4))).toEqual(
    signalled().map(([word, number]) => [
      `\`${word}\``,
      String(number),
      String(new Int16Array([number])[0]),
      '45000',
    ]),
  );
});

it("docs/errors.md has every code of the wrapper that is not the SQL's", () => {
  const listed = read('scripts/client/errors.ts').matchAll(
    /^ \* - (`[A-Z_]+`)(?! \((?:errno )?5\d{4}\))/gm,
  );
  const [, ...rows] = rowsUnder('docs/errors.md', 'In Node');

  expect(rows.map(([code]) => code).sort()).toEqual([...listed].map(([, code]) => code).sort());
});

it('docs/runbook.md has every kind of finding', () => {
  const migrations = readdirSync(join(ROOT, 'migrations')).filter((file) => /\.up\./.test(file));
  const all = migrations.map((file) => read(`migrations/${file}`)).join('');
  const [, list = ''] = [...all.matchAll(/what VARCHAR\(32\)[^]*?COMMENT '([^']*)'/g)].at(-1) ?? [];
  const [, ...rows] = rowsUnder('docs/runbook.md', 'What a finding means and what to do');

  expect(rows.map(([what]) => what)).toEqual(list.split(', ').map((what) => `\`${what}\``));
});

it('every link from page to page leads to a file and a heading that are there', () => {
  expect(pages().flatMap((page) => brokenLinks(ROOT, page))).toEqual([]);
});

it('every file that a page names is there', () => {
  const missing = pages().flatMap((page) =>
    [...read(page).matchAll(/`((?:docs|migrations|scripts|sql|test|\.ci|\.github)\/[\w./{}-]+)`/g)]
      .filter(([, file = '']) => !/[<{*]|NNNN/.test(file) && !existsSync(join(ROOT, file)))
      .map(([file]) => `${page}: ${file}`),
  );

  expect(missing).toEqual([]);
});

describe('README.md and README.zh-CN.md', () => {
  const READMES = ['README.md', 'README.zh-CN.md'];
  const OTHER = /README\.(?:zh-CN\.)?md/;

  it.each(READMES)('%s has at most 200 lines', (page) => {
    expect(read(page).split('\n').length).toBeLessThanOrEqual(201);
  });

  it('show the same programs, in whatever language their comments are', () => {
    const [english, chinese] = READMES.map((page) =>
      [...read(page).matchAll(/^```(\w+)\n([^]*?)^```/gm)].flatMap(([, language, text = '']) => [
        language,
        ...text
          .replaceAll(/(?:^|\s)(?:--|#) .*$/gm, '')
          .replaceAll(/'[^']*'/g, "''")
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== ''),
      ]),
    );

    expect(chinese).toEqual(english);
  });

  it('lead to the same pages', () => {
    const [english, chinese] = READMES.map((page) =>
      [...new Set([...read(page).matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target))]
        .filter((target) => !OTHER.test(target) || target.includes('/'))
        .sort(),
    );

    expect(chinese).toEqual(english);
  });
});
