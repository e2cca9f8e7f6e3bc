import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const ROOT = join(__dirname, '../..');

/** Of the project's own documents and files. */
export const readPage = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** Every page of the documentation. */
export const pages = () => [
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];

interface Block {
  readonly language: string;
  readonly text: string;
}

/** The blocks of a page, in their order; of one language, if it is named. */
export const blocksOf = (page: string, only?: string): Block[] =>
  [...readPage(page).matchAll(/^```([^\n]+)\n([^]*?)^```$/gm)]
    .map(([, language = '', text = '']) => ({ language, text }))
    .filter(({ language }) => only === undefined || language === only);

/** Times are another day's. */
export const withoutTimes = (text: string) =>
  text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3})?/g, 'TIME');

/** The rows that a block shows in comments, the names of the columns first. */
export const rowsShown = (block: string) =>
  [...block.matchAll(/^-- (.*\|.*)$/gm)].map(([, row = '']) =>
    row.split('|').map((cell) => withoutTimes(cell.trim())),
  );

/** Each link of a page in this folder to a file or a heading that is not there. */
export function brokenLinks(root: string, page: string): string[] {
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  return [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    .filter(([, file = '', anchor]) => {
      const target = file === '' ? page : join(dirname(page), file);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    })
    .map(([link]) => `${page}: ${link}`);
}

/** As GitHub makes them of headings. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
