import * as fc from 'fast-check';

/** A shared rule has no ledger. */
const amountRule = {
  verb: fc.constantFrom('add', 'subtract', 'floor'),
  given: fc.constantFrom('shared', 'ledger', 'plain'),
  targetOnly: fc.boolean(),
} as const;
const wholeRule = { ledger: fc.boolean(), targetOnly: fc.boolean(), if: fc.boolean() };

/** A shop that nobody wrote: which keys its file has. Words that SQL reserves are names of its tables and columns. */
export const keys = fc.record({
  type: fc.boolean(),
  deadline: fc.boolean(),
  paidAt: fc.boolean(),
  only: fc.boolean(),
  codeByCause: fc.boolean(),
  status: fc.constantFrom('number', 'text', 'bytes', 'enum', 'generated'),
  stock: fc.record({ ...amountRule, lineOnly: fc.boolean() }),
  points: fc.record(amountRule),
  /** Of the lines and the table that `stock` has too, in a column of its own. */
  gift: fc.record(amountRule),
  bonus: fc.record({ ...amountRule, open: fc.boolean() }),
  coupon: fc.record(wholeRule),
  voucher: fc.record({ ...wholeRule, journal: fc.boolean() }),
});
export type Keys = ValueOf<typeof keys>;

/** What such a generator makes. */
export type ValueOf<Generator> = Generator extends fc.Arbitrary<infer Value> ? Value : never;

export const schemaOf = (shop: Keys) => `
CREATE TABLE \`order\` (
    id BIGINT PRIMARY KEY, buyer INT NOT NULL, \`type\` INT NULL, ${STATUS_COLUMNS[shop.status]}, made_at DATETIME NOT NULL,
    pay_by DATETIME NULL, paid_at DATETIME NULL, gone TINYINT NOT NULL DEFAULT 0, score INT NULL, bonus SMALLINT NULL, template BIGINT NULL,
    closed_at DATETIME NULL, why VARCHAR(4) NULL
);
CREATE TABLE line (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, \`order\` BIGINT NOT NULL, \`key\` INT NULL, quantity INT NULL, gift TINYINT NOT NULL DEFAULT 0
);
CREATE TABLE \`key\` (id INT PRIMARY KEY, \`left\` INT NULL, spare INT NULL, gone TINYINT NOT NULL DEFAULT 0);
CREATE TABLE buyer (id INT PRIMARY KEY, score INT NULL, gone TINYINT NOT NULL DEFAULT 0);
CREATE TABLE wallet (id INT PRIMARY KEY, bonus INT NULL, gone TINYINT NOT NULL DEFAULT 0);
CREATE TABLE coupon (
    id INT PRIMARY KEY, buyer INT NOT NULL, template BIGINT NOT NULL, used TINYINT NOT NULL, gone TINYINT NOT NULL DEFAULT 0
);
CREATE TABLE voucher (id INT PRIMARY KEY, \`order\` BIGINT NULL, used TINYINT NOT NULL, gone TINYINT NOT NULL DEFAULT 0);
CREATE TABLE log (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, kind VARCHAR(8) NOT NULL, \`order\` BIGINT NOT NULL, target BIGINT NOT NULL,
    buyer INT NOT NULL, amount INT NOT NULL, balance INT NULL, action VARCHAR(16) NOT NULL, remark VARCHAR(6) NOT NULL, at DATETIME NOT NULL
);
`;

export const CODES = { pending: 0, paid: 1, sent: 2, timeout: 10, user: 11, admin: 12, other: 99 };

/** What stands in a column of texts. */
const TEXTS: Readonly<Record<number, string>> = {
  [CODES.pending]: 'wc-pending',
  [CODES.paid]: 'PAID',
  [CODES.sent]: 'on its way',
  [CODES.timeout]: 'cancelled',
  [CODES.user]: 'cancelled_by_user',
  [CODES.admin]: 'cancelled: admin',
  [CODES.other]: '2',
};

const ofType = (type: string) => `\`status\` ${type} NOT NULL`;
const STATUS_COLUMNS: Record<Keys['status'], string> = {
  number: ofType('SMALLINT'),
  text: ofType('VARCHAR(191) COLLATE utf8mb4_general_ci'),
  bytes: ofType('CHAR(20) CHARACTER SET latin1 COLLATE latin1_bin'),
  enum: ofType(
    `ENUM(${Object.values(TEXTS)
      .map((text) => `'${text}'`)
      .join(', ')})`,
  ),
  generated: `is_new TINYINT NOT NULL, phase SMALLINT NOT NULL, ${ofType(
    `VARCHAR(191) AS (CASE phase + is_new ${Object.entries(TEXTS)
      .map(([code, text]) => `WHEN ${code} THEN '${text}'`)
      .join(' ')} END) VIRTUAL`,
  )} INVISIBLE`,
};

/** What an order's row is told of it. */
export const statusOf = (shop: Keys, code: number) =>
  shop.status === 'generated' ? { is_new: 1, phase: code - 1 } : { status: stored(shop, code) };

/** A code as it stands in the column. */
export const stored = ({ status }: Keys, code: number): number | string =>
  status === 'number' ? code : (TEXTS[code] ?? '');

export type Cause = 'timeout' | 'user' | 'admin';

export const codeOf = ({ codeByCause }: Keys, cause: Cause) =>
  codeByCause ? CODES[cause] : CODES.timeout;

/** A missing row is made: a shared rule can't do it, and a dead row would be in its way. */
export const opens = ({ bonus }: Keys) =>
  bonus.open && bonus.given !== 'shared' && !bonus.targetOnly;

/** The shop file with these keys. */
export function fileOf(shop: Keys): string {
  const { stock, points, gift, bonus, coupon, voucher } = shop;
  const code = (number: number) => JSON.stringify(stored(shop, number));
  const phases = (code: string) =>
    shop.status === 'generated' ? `, phase: ${code}, is_new: 0` : '';
  const line = (condition: boolean, text: string) => (condition ? [text] : []);
  const cancelled = (['timeout', 'user', 'admin'] as const).map(
    (cause) => `${cause}: ${code(codeOf(shop, cause))}`,
  );
  const target = (table: string, only: boolean) =>
    `    target: {table: ${table}, id: id${only ? ', only: target.gone = 0' : ''}}`;
  const ledger = (kind: string, balance = 'null') => [
    '    ledger:',
    '      table: log',
    `      write: {kind: "'${kind}'", order: refund.order_id, target: refund.account_id, buyer: refund.user_id,`,
    `              amount: refund.amount, balance: ${balance}, action: :action, remark: :remark, at: :now}`,
  ];
  const amounts = ({ verb, given }: Keys['points'], kind: string, column: string) => [
    `    ${verb === 'add' ? 'add' : 'subtract'}: ${column}`,
    ...line(verb === 'floor', '    floor: 0'),
    ...line(given === 'shared', '    shared: true'),
    ...(given === 'ledger' ? ledger(kind, 'refund.balance') : []),
  ];
  return [
    'orders:',
    '  table: order',
    '  id: id',
    '  user: buyer',
    '  created: made_at',
    ...line(shop.type, '  type: type'),
    ...line(shop.deadline, '  deadline: pay_by'),
    ...line(shop.paidAt, '  paid_at: paid_at'),
    ...line(shop.only, '  only: o.gone = 0'),
    '  status:',
    '    column: status',
    `    pending: ${code(CODES.pending)}`,
    `    paid: [${code(CODES.paid)}, ${code(CODES.sent)}]`,
    `    cancelled: ${shop.codeByCause ? `{${cancelled.join(', ')}}` : code(CODES.timeout)}`,
    `    other: ${code(CODES.other)}`,
    `  set: {closed_at: :now, why: ":remark"${phases(`CASE :cause WHEN 'timeout' THEN ${codeOf(shop, 'timeout')} WHEN 'user' THEN ${codeOf(shop, 'user')} ELSE ${codeOf(shop, 'admin')} END`)}}`,
    `  paid_set: {paid_at: :now${phases(String(CODES.paid))}}`,
    'give_back:',
    '  stock:',
    `    lines: {table: line, order: order, target: key, amount: quantity${stock.lineOnly ? ', only: line.gift = 0' : ''}}`,
    target('key', stock.targetOnly),
    ...amounts(stock, 'stock', 'left'),
    '  points:',
    '    order: {target: o.buyer, amount: o.score}',
    target('buyer', points.targetOnly),
    ...amounts(points, 'points', 'score'),
    '  gift:',
    '    lines: {table: line, order: order, target: key, amount: quantity, only: line.gift = 1}',
    target('key', gift.targetOnly),
    ...amounts(gift, 'gift', 'spare'),
    '  bonus:',
    '    order: {target: o.buyer, amount: o.bonus}',
    target('wallet', bonus.targetOnly),
    ...line(opens(shop), '    open: {id: due.user_id, bonus: 0}'),
    ...amounts(bonus, 'bonus', 'bonus'),
    '  coupon:',
    `    named: {target: o.template, by: {template: o.template, buyer: o.buyer}${coupon.if ? ', if: target.used = 1' : ''}}`,
    target('coupon', coupon.targetOnly),
    '    set: {used: 0}',
    ...(coupon.ledger ? ledger('coupon') : []),
    '  voucher:',
    `    held: {by: order${voucher.if ? ', if: target.used = 1' : ''}}`,
    target('voucher', voucher.targetOnly),
    '    set: {used: 0, order: null}',
    ...line(!voucher.journal, '    journal: false'),
    ...(voucher.ledger && voucher.journal ? ledger('voucher') : []),
    '',
  ].join('\n');
}
