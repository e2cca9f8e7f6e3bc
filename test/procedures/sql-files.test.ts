import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROCEDURES } from '../../scripts/client/procedures';
import { EXAMPLES } from '../../scripts/dev/shop';
import { createExample } from '../shops/example';

const ROOT = join(__dirname, '../..');
const FILES = readdirSync(join(ROOT, 'sql'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.sql'))
  .sort()
  .map((file) => ({
    path: `sql/${file}`,
    name: basename(file, '.sql'),
    text: readFileSync(join(ROOT, 'sql', file), 'utf8'),
  }));
const ROUTINES = FILES.filter(({ path }) => /^sql\/(functions|procedures)\//.test(path));
const PARTIALS = FILES.filter(({ path }) => path.startsWith('sql/partials/'));
const FUNCTIONS = ROUTINES.filter(({ path }) => path.startsWith('sql/functions/'));

/** What is said to MySQL: without comments and texts. */
const said = (text: string) =>
  text
    // First: an apostrophe in a comment begins no text.
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/'(?:[^']|'')*'/g, "''")
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/\/\*.*?\*\//gs, '');
const bodyOf = (text: string) => said(text).replace(/^[^]*?\bBEGIN\b/, '');

test.each(FILES)('$path is no longer than 90 lines', ({ text }) => {
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(90);
});

test.each(ROUTINES)('$path says what it does, under headings', ({ path, name, text }) => {
  const manual = /COMMENT '((?:[^']|'')*)'/.exec(text)?.[1] ?? '';
  const [head = ''] = text.split('COMMENT');
  const isCalledByShops = path.includes('/public/');

  expect(manual).toMatch(/^Description: /);
  if (/^ {4}(?:(?:IN|OUT|INOUT) )?p_/m.test(head)) expect(manual).toContain('Parameters: ');
  if (isCalledByShops || path.startsWith('sql/functions/')) expect(manual).toContain('Result: ');
  if (isCalledByShops) expect(manual).toContain(`Example: CALL ${name}(`);
  // One look finds both.
  expect(manual.includes('50003')).toBe(manual.includes('50006'));
});

// Without one it is the database's default, which may be binary: texts are bytes then.
test.each(ROUTINES)('each text of $path has a character set', ({ text }) => {
  const texts =
    said(text).match(/(?:DECLARE|IN|OUT|INOUT|RETURNS|COLUMNS) [^;\n]*CHAR ?\(.*/g) ?? [];

  expect(texts.filter((one) => !/CHAR ?\(\d+\) CHARACTER SET/.test(one))).toEqual([]);
});

/** A block that begins with a list and joins to it. What is in a LEFT JOIN comes behind the list anyway. */
const JOINED_LIST =
  /^\w[^]*(?:\{\{> (?:owed_rows|refunds_of_kind|owed_refunds)\}\}|(?:\{\{> picked\}\}|JSON_TABLE\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\) AS \w+\b)(?!\))(?:(?!\n\s*\) AS)[^])*?\n\s*JOIN\b)/;

// Left to itself the optimizer begins with a table that it takes for small: with old statistics it reads all of the
// journal for each row of the list, and holds the rows that customers wait for meanwhile.
test.each([...ROUTINES, ...PARTIALS])(
  'what is joined to a list in $path is looked up in the order as written',
  ({ text }) => {
    const hintsKept = text.replaceAll('/*+', '').replaceAll('*/', '');
    const blocks = said(hintsKept).split(/\b(?=SELECT\b|UPDATE\b|DELETE\b)/);
    const joinsList = blocks.filter((block) => JOINED_LIST.test(block));

    expect(joinsList.filter((block) => !block.includes('JOIN_FIXED_ORDER'))).toEqual([]);
  },
);

/** The routine and all that it calls: its CALLs, and functions of ours in its statements. */
function withCalled(routine: (typeof FILES)[number], found = new Set<(typeof FILES)[number]>()) {
  if (found.has(routine)) return found;
  found.add(routine);
  for (const other of ROUTINES) {
    const [start = ''] = other.name.split('{kind}');
    const called = new RegExp(`\\b${start}${start === other.name ? '\\b' : ''}[\\w{}]* ?\\(`);
    if (called.test(bodyOf(routine.text))) withCalled(other, found);
  }
  return found;
}

test.each(Object.entries(PROCEDURES))('the manual of %s names each column', (name, { gives }) => {
  const routine = ROUTINES.find((one) => one.name === name);
  if (routine === undefined) throw new Error(`there is no ${name}`);
  const [, result = ''] = /Result: ([^]*?)\n(?:Outcomes|Errors|Example): /.exec(routine.text) ?? [];
  if (/^as /.test(result)) return;
  const called = [...withCalled(routine)];
  const columns = [
    ...Object.keys(gives).map((column) => column.replaceAll(/[A-Z]/g, '_$&').toLowerCase()),
    ...(called.some(({ text }) => / AS clock\b/.test(text)) ? ['clock'] : []),
  ];

  // "The shop's clock" is no column.
  expect(columns.filter((column) => !new RegExp(`(?<!'s )\\b${column}\\b`).test(result))).toEqual(
    [],
  );
});

describe.each(FUNCTIONS)('$path, and what it calls,', (routine) => {
  test('has no handler: one around a write would keep half of it', () => {
    const handlers = [...withCalled(routine)].filter(({ text }) => /\bHANDLER\b/.test(said(text)));
    expect(handlers.map(({ path }) => path)).toEqual([]);
  });

  test('takes all its locks before it reads without one', () => {
    // A call reads: also order_timeout_now().
    const reads = bodyOf(routine.text)
      .split(';')
      .filter((statement) => /\bFROM\b|\bCALL\b|\border_timeout_\w+ ?\(/.test(statement))
      // A payment's record never changes, whenever it is read.
      .filter(
        (statement) => !/FROM order_timeout_payment WHERE reference = p_reference$/.test(statement),
      );
    const isLock = reads.map((statement) => /\bFOR (UPDATE|SHARE)\b/.test(statement));
    const plain = isLock.indexOf(false);

    expect(isLock.slice(plain === -1 ? isLock.length : plain)).not.toContain(true);
  });
});

const SETTLEMENT = new Set(FUNCTIONS.flatMap((routine) => [...withCalled(routine)]));

test.each(ROUTINES.filter((routine) => !SETTLEMENT.has(routine)))(
  '$path reads no table but in a statement of tables: SET, IF, CALL and the like lock what they read, and wait for who writes it',
  ({ text }) => {
    expect(bodyOf(text)).not.toMatch(
      /^ *(?:SET|DECLARE|IF|ELSEIF|WHILE|CALL|DO|RETURN) (?:(?!\b(?:THEN|DO)\b)[^;])*\(\s*SELECT\b/m,
    );
  },
);

test('what the settlement calls is found by the tests above', () => {
  const settle = FUNCTIONS.find(({ name }) => name === 'order_timeout_settle_order');
  const called = settle === undefined ? [] : [...withCalled(settle)].map(({ name }) => name);

  for (const name of ['settle', 'claim', 'give_{kind}', 'place_claims', 'set_free', 'now'])
    expect(called).toContain(`order_timeout_${name}`);
});

test.each(EXAMPLES)(
  'deployed in the shop %s no view but those of sql/shop reads the shop’s tables, and no routine names them',
  async (example) => {
    const shop = await createExample(example);
    const shopTables = await shop.column(
      `SELECT table_name FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'order\\_timeout\\_%'`,
    );
    const viewsOfShop = FILES.filter(({ path }) => path.startsWith('sql/shop/')).map(
      ({ name }) => new RegExp(`^${name.replaceAll(/\{(kind|reach)\}/g, '\\w+')}$`),
    );
    const used = await shop.run<{ view: string; uses: string }>(
      `SELECT view_name AS view, table_name AS uses FROM information_schema.view_table_usage
        WHERE view_schema = DATABASE() AND table_name IN (?) ORDER BY view_name, table_name`,
      [shopTables],
    );
    const routines = await shop.run<{ name: string; text: string }>(
      'SELECT routine_name AS name, routine_definition AS text FROM information_schema.routines WHERE routine_schema = DATABASE()',
    );
    const names = new RegExp(`\\b(FROM|JOIN|INTO|UPDATE|TABLE) \`?(${shopTables.join('|')})\\b`);

    expect(used.length).toBeGreaterThan(0);
    expect(routines.length).toBeGreaterThan(0);
    expect(used.filter(({ view }) => !viewsOfShop.some((name) => name.test(view)))).toEqual([]);
    const naming = routines.filter(({ text }) => names.test(said(text)));
    expect(naming.map(({ name }) => name)).toEqual([]);
  },
);
