import {
  complaintAbout,
  type Expression,
  referencesIn,
  tellsBalance,
  usesOf,
  wordsIn,
} from './expressions';
import { type Finding, mistake } from '../errors';
import { type Code, type Rule, type ShopFile, WAYS } from './schema';

/** What a shop file says that can't be, whatever the database is like. */
export function* contradictionsIn(file: ShopFile): Generator<Finding> {
  yield* inCodes(file.orders.status);
  yield* inSets(file);
  const kinds = Object.entries(file.give_back);
  for (const [kind, rule] of kinds)
    for (const [key, text, remedy] of inRule(rule))
      yield mistake(['give_back', kind, key].filter(Boolean).join('.'), text, remedy);
  const taken = new Set(kinds.map(([kind]) => kind));
  for (const [kind, { was }] of kinds) {
    if (was === undefined) continue;
    if (taken.has(was))
      yield mistake(
        `give_back.${kind}.was`,
        `${was} is a kind of this file, or another kind was it already`,
        'Only one kind takes over one that is gone',
      );
    taken.add(was);
  }
  for (const expression of usesOf(file).expressions) yield* inExpression(expression);
}

function* inCodes({ pending, paid, cancelled, other = [] }: ShopFile['orders']['status']) {
  // Most columns take capitals for small letters.
  const keyOf = (code: Code) => String(code).toLowerCase();
  const meant = new Map([[keyOf(pending), 'pending']]);
  const rest = { paid, cancelled: new Set(Object.values(cancelled)), other };
  for (const [meaning, codes] of Object.entries(rest))
    for (const code of codes) {
      const earlier = meant.get(keyOf(code));
      meant.set(keyOf(code), meaning);
      if (earlier !== undefined)
        yield mistake(
          `orders.status.${meaning}`,
          `${code} is named twice, as ${earlier} and as ${meaning}`,
          'A code means one thing',
        );
    }
}

/** Of two assignments to a column the last one would count. */
function* inSets({ orders: { status, set, paid_set }, give_back }: ShopFile) {
  const sets = [
    ['orders.set', status.column, set],
    ['orders.paid_set', status.column, paid_set],
    ...Object.entries(give_back).map(
      ([kind, rule]) => [`give_back.${kind}.set`, rule.add ?? rule.subtract, rule.set] as const,
    ),
  ] as const;
  for (const [path, written, columns = {}] of sets)
    for (const column of Object.keys(columns))
      if (column.toLowerCase() === written?.toLowerCase())
        yield mistake(`${path}.${column}`, `${column} is written by itself`, 'Leave it out here');
}

/** Combinations of keys that make no sense: at which key, why, and what to do. */
function* inRule(rule: Rule): Generator<[key: string, text: string, remedy: string]> {
  const has = (key: keyof Rule) => rule[key] !== undefined;
  const ways = WAYS.filter(has);
  const hasAmount = has('add') || has('subtract');
  const isShared = rule.shared === true;
  const expected = `expected one of ${WAYS.join(', ')}, found ${ways.join(' and ') || 'none'}`;
  if (ways.length !== 1) yield [ways[1] ?? '', expected, 'A kind reaches its rows in one way'];
  if (has('add') && has('subtract')) yield ['subtract', 'there is an add, too', 'Keep one of them'];
  if (!hasAmount && !has('set'))
    yield ['', 'expected add, subtract or set, found none', 'Say what happens to the row'];
  if (has('floor') && !has('subtract'))
    yield ['floor', 'there is no subtract', 'Leave it out, or subtract'];
  if (rule.journal === false && hasAmount)
    yield [
      'journal',
      'an amount without a journal could be given twice',
      'Leave it to rules that only set columns',
    ];
  if (!hasAmount && tellsBalance(rule.ledger?.write ?? {}))
    yield ['ledger.write', 'without an amount there is no refund.balance', 'Leave it out'];
  if (isShared && (has('held') || has('named')))
    yield ['shared', 'the row is one order’s own', 'Only rows that many orders change are shared'];
  if (has('due') && !has('reach'))
    yield [
      'due',
      'expected reach beside it, found none',
      'Say how its rows are reached, to be locked',
    ];
  for (const key of ['reach', 'reads', 'tells', 'free'] as const)
    if (has(key) && !has('due')) yield [key, 'it belongs to a due rule', 'Leave it out'];
  for (const key of ['open', 'ledger', 'free'] as const)
    if (isShared && has(key))
      yield [key, 'a shared row is given by amount alone', `Leave out ${key} or shared`];
  if (isShared && rule.tells?.includes('keeps_state'))
    yield ['tells', 'a shared row is given by amount alone', 'Leave out keeps_state or shared'];
  for (const { id, lines, by } of rule.reach ?? [])
    if ([id, lines, by].filter((way) => way !== undefined).length !== 1)
      yield ['reach', 'expected one of id, lines, by in each', 'Name one of them'];
}

const ALIASES = ['o', 'line', 'target', 'given', 'refund', 'due'];

function* inExpression({ path, sql, names, words }: Expression) {
  const complaint = complaintAbout(sql);
  if (complaint !== undefined) {
    yield mistake(path, `"${sql}" is no expression: ${complaint}`, 'Write one SQL expression');
    return;
  }
  const named = new Set(referencesIn(sql).map(({ alias }) => alias));
  const aliases = ALIASES.filter(
    (alias) =>
      named.has(alias) && !(alias in names) && !new RegExp(`\\bAS ${alias}\\b`, 'i').test(sql),
  );
  const asWord = (word: string) => `:${word}`;
  const known = [...Object.keys(names).map((alias) => `${alias}.…`), ...words.map(asWord)];
  const strangers = wordsIn(sql).filter((word) => !words.includes(word));
  for (const name of [...strangers.map(asWord), ...aliases])
    yield mistake(path, `${name} means nothing here`, `Here can stand ${known.join(', ')}`);
}
