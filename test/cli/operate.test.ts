import { expect, test } from 'vitest';
import { acceptPayment, cancelOrderAsAdmin } from '../../scripts';
import { order, pendingOrder, shopOfFile } from '../support';
import { setAside } from '../procedures/calls';
import { commandLine, json } from './support';

const shop = shopOfFile({ clock: '+08:00' });

test('preview shows what the next sweep does, and its sums', async () => {
  expect((await commandLine(shop, ['preview'])).out).toContain('Nothing is due');
  const { orderId } = await pendingOrder(shop, { coupon: 1234, ageMinutes: 95 });
  await pendingOrder(shop, { points: 1500 });

  expect(await json(shop, ['preview', '--limit', '1'])).toMatchObject([
    {
      orderId: String(orderId),
      couponRefund: '1234',
      createdAt: expect.stringMatching(/Z$/) as string,
    },
  ]);
  const { out } = await commandLine(shop, ['preview']);
  expect(out).toMatch(new RegExp(`^${orderId} .*\\(\\+08:00\\) +1 h 5 min +coupon 1,234$`, 'm'));
  expect(out).toContain('2 orders; comes back: coupon 1,234, points 1,500.');
  expect((await commandLine(shop, ['preview', '--limit', '1'])).out).toContain('and perhaps more');
});

test('explain begins with the answer', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });

  const { out } = await commandLine(shop, ['explain', String(orderId)]);

  expect(out.split('\n')[0]).toBe('The order is past its time: the next sweep cancels it.');
  expect(out).toContain('comes back when the order is cancelled');
  const facts = (await json(shop, ['explain', String(orderId)])) as { step: string }[];
  expect(facts.map(({ step }) => step)).toEqual(expect.arrayContaining(['order', 'policy']));
  expect(await json(shop, ['explain', '404'])).toMatchObject([
    { step: 'answer', verdict: 'not_found', detail: 'There is no order 404.' },
  ]);
});

test('a remark moves no cursor, adds no line and turns none round', async () => {
  const { orderId } = await pendingOrder(shop);
  await cancelOrderAsAdmin(shop.db, orderId, { remark: '\u001b[2J\r\n  refund  all\u202e\u009b' });

  await shop.run(
    `INSERT INTO order_timeout_finding (order_id, what, detail, opened_at)
     SELECT 1, 'unreadable', remark, created_at FROM order_timeout_batch`,
  );

  const { out } = await commandLine(shop, ['explain', String(orderId)]);
  const found = await commandLine(shop, ['findings']);

  expect(found.out).toContain(' \\u001b[2J\\u000d\\u000a  refund  all\\u202e\\u009b ');
  expect(out).toContain('remark: \\u001b[2J\\u000d\\u000a  refund  all\\u202e\\u009b)');
});

test('explain names the outcome of a payment, whose reference moves no cursor', async () => {
  const { orderId } = await order(shop, { status: 'cancelled' });
  await acceptPayment(shop.db, orderId, 'pi\u001b[2J');

  const { out } = await commandLine(shop, ['explain', String(orderId)]);

  expect(out).toMatch(/^ {2}payment +too_late: Payment pi\\u001b\[2J was .* to be sent back/m);
});

test('explain names a finding', async () => {
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000 });
  await commandLine(shop, ['reconcile']);

  const { out } = await commandLine(shop, ['explain', String(orderId)]);

  expect(out).toMatch(/^ {2}finding +missing_refund: coupon .* for a person to look at\.$/m);
});

test('hold, release and retry say what they did, and end with 1 when they did not', async () => {
  const built = await pendingOrder(shop);
  const id = String(built.orderId);
  const reason = "在收银台 '";

  expect(
    await commandLine(shop, ['hold', id, '--minutes', '10', '--reason', reason]),
  ).toMatchObject({ out: `Order ${id} does not time out for 10 minutes.`, exitCode: 0 });
  expect(await shop.column('SELECT reason FROM order_timeout_hold')).toEqual([reason]);
  expect(await json(shop, ['run'])).toMatchObject({ cancelled: 0 });
  expect(await json(shop, ['release', id])).toEqual({ orderId: id, outcome: 'released' });
  expect(await commandLine(shop, ['release', id])).toMatchObject({
    out: `Order ${id} was not on hold.`,
    exitCode: 1,
  });
  expect(await commandLine(shop, ['hold', '404', '--minutes', '10'])).toMatchObject({
    out: 'Order 404 is not held: there is no such order.',
    exitCode: 1,
  });
  expect(await commandLine(shop, ['hold', id])).toMatchObject({ exitCode: 2 });
  expect(await commandLine(shop, ['retry', id])).toMatchObject({
    out: `Order ${id} is not among the orders that failed.`,
    exitCode: 1,
  });
  await setAside(shop, built);
  expect(await json(shop, ['retry', id])).toEqual({ orderId: id, outcome: 'retrying' });
});

test('between pause and resume no sweep does anything', async () => {
  await pendingOrder(shop);

  expect((await commandLine(shop, ['pause'])).out).toBe('The sweep is paused.');
  expect((await commandLine(shop, ['pause'])).out).toBe('The sweep was paused already.');
  expect(await json(shop, ['run'])).toMatchObject({ outcome: 'paused', cancelled: 0 });
  expect((await commandLine(shop, ['resume'])).out).toContain('The sweep works again');
  expect((await commandLine(shop, ['resume'])).out).toBe('The sweep was not paused.');
  expect(await json(shop, ['run'])).toMatchObject({ outcome: 'completed', cancelled: 1 });
});

test('pause says what another session sees, not what it has sent', async () => {
  await shop.run(
    'CREATE TRIGGER stubborn BEFORE UPDATE ON order_timeout_setting FOR EACH ROW SET NEW.paused = 0',
  );

  const { err, exitCode } = await commandLine(shop, ['pause']);

  expect(err).toContain('was set to 1 and is 0 again');
  expect(exitCode).toBe(1);
});

test('health ends with 3 when something fails, also for an account that may only ask', async () => {
  const url = await shop.createAccount(
    `EXECUTE ON PROCEDURE \`${shop.name}\`.order_timeout_health`,
  );

  const { out, exitCode } = await commandLine(shop, ['health'], { url });

  expect(out).toMatch(/^fail +event +order_timeout_tick is DISABLED/m);
  expect(out).toMatch(/^ok +index/m);
  expect(exitCode).toBe(3);
  expect(await json(shop, ['health'])).toMatchObject({ status: 'fail' });
});
