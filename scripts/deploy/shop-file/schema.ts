import { z } from 'zod';

/** Who or what cancels. */
export const CAUSES = ['timeout', 'user', 'admin'] as const;

/** How a rule reaches its rows. */
export const WAYS = ['lines', 'order', 'held', 'named', 'due'] as const;

/** What a due view can tell beside the amounts, for findings and for what is set. */
export const TELLS = ['ledger_taken', 'copies', 'unknown_action', 'keeps_state'] as const;

/** Whose columns: the orders', the rule's target's, or of the table named beside it. */
type Place = 'orders' | 'target' | 'here';

/** What a part of a shop file names in the database, for the checks: see usesOf(). */
export interface Meaning {
  readonly place?: Place;
  /** A code is an integer or a short text. */
  readonly type?: 'integer' | 'code' | 'time' | 'any';
  /** A quantity: NULL counts as 0. */
  readonly amount?: true;
  readonly written?: true;
  /** For SQL: the names that it can use, and the words such as :now. */
  readonly aliases?: readonly string[];
  readonly words?: readonly string[];
  /** It stands in a routine as well, not in a view alone. */
  readonly isInRoutine?: true;
  /** A column is looked up by it. */
  readonly equals?: true;
}

export const meanings = z.registry<Meaning>();

/** For a message of zod: what should be there, and what is. */
const expected = (what: string) => ({
  error: ({ input }: { input?: unknown }) => `expected ${what}, found ${show(input)}`,
});

function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = JSON.stringify(value);
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

/** A file that was meant for something else is not shown whole. */
const MOST_SHOWN = 60;

/** YAML takes a comma between braces for the end of a value. */
const hint = (keys: readonly string[]) =>
  keys.some((key) => /[()' ]/.test(key))
    ? ' (between braces an expression with a comma stands in double quotes)'
    : '';

/** A mapping with these keys and no others. */
function mapping<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys')
        return `expected a mapping, found ${show(issue.input)}`;
      const keys = issue.keys;
      const known = Object.keys(shape).join(', ');
      return `unknown ${keys.map((key) => `"${key}"`).join(', ')}: expected ${known}${hint(keys)}`;
    },
  });
}

/** A mapping of names that the shop chose. */
function named<Key extends z.ZodString, Item extends z.ZodType>(
  key: Key,
  item: Item,
  of: string,
  keys: string,
) {
  return z.record(key, item, {
    error: (issue) =>
      issue.code === 'invalid_key'
        ? `expected ${keys}${hint([String(issue.path?.at(-1) ?? '')])}`
        : `expected a mapping of ${of}, found ${show(issue.input)}`,
  });
}

const list = <Item extends z.ZodType>(item: Item, what: string) =>
  z
    .array(item, expected(`a list of ${what}`))
    .min(1, `expected a list of ${what}, found an empty one`);

const NAME = /^[^\0.;`'"(){}[\],\s]{1,64}$/u;
const table = z.string(expected('a table')).regex(NAME, expected('a table'));
const columnName = () => z.string(expected('a column')).regex(NAME, expected('a column'));
const column = (
  place: Place,
  type: Meaning['type'] & string = 'integer',
  more: Pick<Meaning, 'amount' | 'written'> = {},
) => columnName().register(meanings, { place, type, ...more });

const sql = (aliases: string, more: Pick<Meaning, 'type' | 'isInRoutine'> = {}) => {
  const text = expected('an SQL expression');
  return z
    .string(text)
    .min(1, text)
    .register(meanings, { aliases: aliases.split(' '), words: ['now'], ...more });
};

/** Columns and what they are set to. */
function values(place: Place, aliases: string, words = 'now') {
  const value = z.union(
    [z.string().min(1), z.number(), z.boolean(), z.null()],
    expected('an SQL expression, a number or null'),
  );
  return named(columnName(), value, 'columns to values', 'a column').register(meanings, {
    place,
    type: 'any',
    written: true,
    aliases: aliases.split(' '),
    words: words.split(' '),
    isInRoutine: true,
  });
}

/** Columns of the target and what they equal. */
const equalities = () =>
  named(
    columnName(),
    z.string(expected('an SQL expression')),
    'columns to what they equal',
    'a column',
  ).register(meanings, {
    place: 'target',
    type: 'any',
    equals: true,
    aliases: ['o'],
    words: ['now'],
  });

/** It stands in SQL and in sentences as it is. */
const CODE = /^[\p{L}\p{N}_]([\p{L}\p{M}\p{N} _.:/-]{0,62}[\p{L}\p{M}\p{N}_])?$/u;
const aCode = expected(
  'a code, as it stands in the column: an integer, or a text of letters and digits',
);
const code = z.union([z.int(aCode), z.string().regex(CODE, aCode)], aCode);
const codes = z.preprocess(
  (value) => (value === undefined || Array.isArray(value) ? value : [value]),
  list(code, 'codes'),
);
const cancelled = z.preprocess(
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? value
      : Object.fromEntries(CAUSES.map((cause) => [cause, value])),
  mapping({ timeout: code, user: code, admin: code }),
);

const orders = mapping({
  table,
  id: column('orders'),
  user: column('orders'),
  type: column('orders').optional(),
  created: column('orders', 'time'),
  deadline: column('orders', 'time').optional(),
  paid_at: column('orders', 'time').optional(),
  only: sql('o').optional(),
  status: mapping({
    column: column('orders', 'code'),
    pending: code,
    paid: codes,
    cancelled,
    other: codes.optional(),
  }),
  set: values('orders', 'o', 'now cause remark').optional(),
  paid_set: values('orders', 'o', 'now reference').optional(),
});

const lineColumns = {
  table,
  order: column('here'),
  target: column('here'),
  only: sql('o line').optional(),
};

const MOMENT = z.union([z.iso.date(), z.iso.datetime({ local: true })]);

const rule = mapping({
  lines: mapping({
    ...lineColumns,
    amount: column('here', 'integer', { amount: true }),
  }).optional(),
  order: mapping({
    target: sql('o', { type: 'integer', isInRoutine: true }),
    amount: sql('o', { type: 'integer', isInRoutine: true }),
  }).optional(),
  held: mapping({ by: column('target'), if: sql('o target').optional() }).optional(),
  named: mapping({
    target: sql('o', { type: 'integer' }),
    by: equalities(),
    if: sql('o target').optional(),
  }).optional(),
  due: z
    .string(expected('the name of a file'))
    .regex(/^[\w.-]+\.sql$/, 'expected the name of a file beside this one, such as coupon_due.sql')
    .optional(),
  /** About what an order took, for the size of the first sweep: a due view needs the engine's own tables. */
  about: sql('o').optional(),
  tells: list(z.enum(TELLS, expected(TELLS.join(', '))), 'columns').optional(),
  reads: named(
    table,
    mapping({
      integers: list(column('here'), 'columns').optional(),
      texts: list(column('here', 'any'), 'columns').optional(),
      index: list(column('here', 'any'), 'columns').optional(),
      or: list(list(column('here', 'any'), 'columns'), 'lists of columns').optional(),
    }),
    'tables to what is read of them',
    'a table',
  ).optional(),
  reach: list(
    mapping({
      id: sql('o', { type: 'integer', isInRoutine: true }).optional(),
      lines: mapping(lineColumns).optional(),
      by: equalities().optional(),
      if: sql('o target', { isInRoutine: true }).optional(),
    }),
    'ways to the rows',
  ).optional(),
  free: sql('o target', { isInRoutine: true }).optional(),
  target: mapping({ table, id: column('here'), only: sql('target').optional() }),
  add: column('target', 'integer', { amount: true, written: true }).optional(),
  subtract: column('target', 'integer', { amount: true, written: true }).optional(),
  floor: z.int(expected('an integer')).optional(),
  set: values('target', 'target given').optional(),
  open: values('target', 'due').optional(),
  ledger: mapping({ table, write: values('here', 'refund', 'now remark action') }).optional(),
  shared: z.boolean(expected('true or false')).optional(),
  journal: z.boolean(expected('true or false')).optional(),
  was: z.string(expected('the name that the kind had')).optional(),
  since: z
    .string(expected('a date'))
    .refine(
      (text) => MOMENT.safeParse(text.replace(' ', 'T')).success,
      expected('a date such as 2026-01-31'),
    )
    .optional(),
});

export const shopFile = mapping({
  orders,
  give_back: named(
    // order_timeout_shop_order, _pending and _…_ledger are views of the engine's own.
    z.string().regex(/^(?!(order|pending|.*_ledger)$)[a-z][a-z0-9_]{0,31}$/),
    rule,
    'kinds to rules',
    'a kind: a small letter, then up to 31 small letters, digits or _, but not order, pending or …_ledger',
  ),
  must: list(z.string(expected('a sentence')), 'sentences').optional(),
});

/** A shop file as it is written, with lists where one code may stand alone. */
export type ShopFile = z.output<typeof shopFile>;
export type Rule = z.output<typeof rule>;
/** What a status is in the column. */
export type Code = z.output<typeof code>;
export type Values = NonNullable<Rule['set']>;
export type Value = Values[string];

export function wayOf(rule: Rule): (typeof WAYS)[number] {
  const way = WAYS.find((name) => rule[name] !== undefined);
  if (way === undefined) throw new Error('a rule without a way to its rows has been let through');
  return way;
}
