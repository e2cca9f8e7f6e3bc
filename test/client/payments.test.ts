import { describe, expect, test } from 'vitest';
import {
  acceptPayment,
  type AcceptPaymentResult,
  cancelExpiredOrder,
  cancelExpiredOrders,
  cancelOrderAsAdmin,
  explainOrderTimeout,
  listFindings,
  listLatePayments,
  orderDeadlines,
  settleFinding,
  settleLatePayment,
} from '../../scripts';
import {
  changesOf,
  closeGate,
  createShop,
  order,
  pendingOrder,
  type Shop,
  shopOfFile,
} from '../support';
import { commandLine } from '../cli/support';
import { hold } from '../procedures/calls';

const shop = shopOfFile();

// Payments that race with cancels are the soak's.

const outcomeOf = async (result: Promise<AcceptPaymentResult>) => (await result).outcome;

test('a payment is accepted whatever the clock or a hold says, and told again the answer stays', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000, ageMinutes: 90 });

  const changed = await changesOf(shop, async () => {
    expect(await acceptPayment(shop.db, orderId, 'pi_1')).toEqual({
      orderId: String(orderId),
      outcome: 'accepted',
    });
  });
  expect(changed).toEqual({ orders: [{ id: orderId, status: [1, 2] }] });

  expect(await outcomeOf(acceptPayment(shop.db, orderId, 'pi_1'))).toBe('already_accepted');
  expect(await outcomeOf(acceptPayment(shop.db, orderId, 'pi_2'))).toBe('already_paid');
  await shop.run('UPDATE orders SET status = 3 WHERE id = ?', [orderId]);
  expect(await outcomeOf(acceptPayment(shop.db, orderId, 'pi_1'))).toBe('already_accepted');
  expect(await outcomeOf(acceptPayment(shop.db, orderId, 'pi_2'))).toBe('already_paid');
  expect(await cancelExpiredOrder(shop.db, orderId)).toMatchObject({ outcome: 'not_pending' });
});

test('what can not be accepted says whether money is to be sent back, until it is settled', async () => {
  const late = await pendingOrder(shop, { coupon: 1000 });
  await cancelExpiredOrder(shop.db, late.orderId);
  const elsewhere = await order(shop, { status: 'paid' });
  const other = await pendingOrder(shop);
  await shop.run('UPDATE orders SET status = 9 WHERE id = ?', [other.orderId]);

  expect(await outcomeOf(acceptPayment(shop.db, late.orderId, 'a'))).toBe('too_late');
  expect(await outcomeOf(acceptPayment(shop.db, late.orderId, 'A'))).toBe('too_late');
  expect(await outcomeOf(acceptPayment(shop.db, elsewhere.orderId, 'b'))).toBe('paid_elsewhere');
  expect(await outcomeOf(acceptPayment(shop.db, elsewhere.orderId, 'c'))).toBe('already_paid');
  expect(await outcomeOf(acceptPayment(shop.db, other.orderId, 'd'))).toBe('not_payable');
  expect(await outcomeOf(acceptPayment(shop.db, other.orderId, 'a'))).toBe('reference_used');
  expect(await outcomeOf(acceptPayment(shop.db, 404, 'e'))).toBe('not_found');

  expect(await toSendBack(shop)).toEqual(['A', 'a', 'c', 'd']);
  expect(await listFindings(shop.db)).toMatchObject([
    { orderId: String(elsewhere.orderId), what: 'paid_elsewhere' },
  ]);
  const settle = async (reference: string) =>
    (await settleLatePayment(shop.db, reference, { remark: 'sent back' })).outcome;
  expect(await settle('a')).toBe('settled');
  expect(await settle('a')).toBe('already_settled');
  expect(await settle('b')).toBe('not_owed');
  expect(await settle('z')).toBe('not_found');
  expect(await toSendBack(shop)).toEqual(['A', 'c', 'd']);

  const [first] = await listLatePayments(shop.db, { limit: 1 });
  expect(first).toEqual({
    reference: 'A',
    orderId: String(late.orderId),
    outcome: 'too_late',
    receivedAt: expect.any(Date) as Date,
    receivedBy: expect.stringContaining('@') as string,
  });
  const listed = await commandLine(shop, ['late-payments', '--limit', '2']);
  expect(listed).toMatchObject({ exitCode: 3 });
  expect(listed.out).toMatch(
    /^payment +order +why .*\nA .* too_late .*\nc .* already_paid .*\n\n2 payments, and p/,
  );
  await settle('A');
  await settle('c');
  await settle('d');
  expect(await commandLine(shop, ['late-payments'])).toMatchObject({
    exitCode: 0,
    out: 'No money is to be sent back.',
  });
});

test('an explanation tells of each payment, and what is to be done about its money', async () => {
  const { orderId } = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, orderId);
  await acceptPayment(shop.db, orderId, '支付 1');
  await acceptPayment(shop.db, orderId, 'pi_2');
  await acceptPayment(shop.db, orderId, 'pi_3');
  await settleLatePayment(shop.db, 'pi_2', { remark: '退款 re_2' });
  await settleLatePayment(shop.db, 'pi_3');
  const payments = async () =>
    (await explainOrderTimeout(shop.db, orderId))
      .filter(({ step }) => step === 'payment')
      .map(({ verdict, detail }) => [verdict, detail.replaceAll(/ at [-0-9]+ [.:0-9]{12}/g, '')]);

  expect(await payments()).toEqual([
    [
      'too_late',
      'Payment 支付 1 was told; its money is to be sent back: then CALL settle_late_payment().',
    ],
    ['too_late', 'Payment pi_2 was told; its money was sent back, as said: 退款 re_2.'],
    ['too_late', 'Payment pi_3 was told; its money was sent back, as said.'],
  ]);
  // Also when the order's row is gone: the money isn't.
  await shop.run('DELETE FROM orders');
  expect(await payments()).toHaveLength(3);
});

test('a reference that a session would cut is refused: two payments are not one', async () => {
  const { orderId } = await pendingOrder(shop);
  const db = await shop.connect();
  await db.query("SET sql_mode = ''");
  await db.query('CALL accept_payment(?, ?)', [orderId, 'a'.repeat(255)]);

  const refused = { errno: 50007, message: expect.stringMatching(/^INVALID_TEXT: /) as string };
  for (const reference of ['', `${'a'.repeat(255)}b`, 'a'.repeat(999)]) {
    const paid = db.query('CALL accept_payment(?, ?)', [orderId, reference]);
    await expect(paid).rejects.toMatchObject(refused);
    const settled = db.query('CALL settle_late_payment(?, NULL)', [reference]);
    await expect(settled).rejects.toMatchObject(refused);
  }
});

test('an order that was paid, set pending again and then cancelled is a finding at once, whoever cancels it and however old it is, and again for another payment', async () => {
  const old = await pendingOrder(shop, { coupon: 1000, ageMinutes: 60 * 24 * 30 });
  const elsewhere = await pendingOrder(shop, { ageMinutes: 60 * 24 * 30 });
  await acceptPayment(shop.db, old.orderId, 'pi_2');
  await shop.run('UPDATE orders SET status = 2 WHERE id = ?', [elsewhere.orderId]);
  await acceptPayment(shop.db, elsewhere.orderId, 'pi_3');
  // Both looks that the sweep takes at an order are over.
  await cancelExpiredOrders(shop.db);
  const [found, ...none] = await listFindings(shop.db);
  expect(none).toEqual([]);
  await settleFinding(shop.db, found?.findingId ?? 0, { remark: 'paid once' });

  await shop.run('UPDATE orders SET status = 1');
  await cancelExpiredOrders(shop.db);
  const [first, ...others] = await listFindings(shop.db);
  expect([first, ...others]).toMatchObject([
    { orderId: String(old.orderId), what: 'cancelled_after_payment', detail: 'pi_2' },
    { orderId: String(elsewhere.orderId), what: 'cancelled_after_payment', detail: 'pi_3' },
  ]);

  await settleFinding(shop.db, first?.findingId ?? 0, { remark: 'sent back' });
  await shop.run('UPDATE orders SET status = 1 WHERE id = ?', [old.orderId]);
  await acceptPayment(shop.db, old.orderId, 'pi_1');
  await shop.run('UPDATE orders SET status = 1 WHERE id = ?', [old.orderId]);
  await cancelOrderAsAdmin(shop.db, old.orderId, { remark: 'fraud' });
  expect(await listFindings(shop.db)).toContainEqual(
    expect.objectContaining({ what: 'cancelled_after_payment', detail: 'pi_1, pi_2' }),
  );
});

test('in a transaction that is rolled back the record of late money is lost, in one that commits it is there', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  await cancelExpiredOrder(shop.db, orderId);
  const connection = await shop.connect();

  for (const end of ['ROLLBACK', 'COMMIT']) {
    await connection.beginTransaction();
    expect(await outcomeOf(acceptPayment(connection, orderId, 'late'))).toBe('too_late');
    await connection.query(end);
    expect(await toSendBack(shop)).toEqual(end === 'COMMIT' ? ['late'] : []);
  }
});

test('one reference that comes for two orders at once is taken for one of them', async () => {
  const [one, other] = [await pendingOrder(shop), await pendingOrder(shop)];
  // Each has seen that nobody has the reference.
  const gate = await closeGate(shop, 'INSERT ON order_timeout_payment');
  const told = Promise.all(
    [one, other].map(({ orderId }) => outcomeOf(acceptPayment(shop.db, orderId, 'same'))),
  );
  await gate.reached(2);
  await gate.open();

  expect((await told).sort()).toEqual(['accepted', 'reference_used']);
  expect(await shop.column('SELECT status FROM orders ORDER BY status')).toEqual([1, 2]);
  expect(await shop.run('SELECT reference, outcome FROM order_timeout_payment')).toEqual([
    { reference: 'same', outcome: 'accepted' },
  ]);
});

describe('joined in REPEATABLE READ', () => {
  test('payments of two orders at once are no deadlock', async () => {
    const both = [await pendingOrder(shop), await pendingOrder(shop)];
    // Each has looked for its reference.
    const gate = await closeGate(shop, 'INSERT ON order_timeout_payment');
    const told = Promise.all(
      both.map(async ({ orderId }) => {
        const db = await shop.connect();
        await db.beginTransaction();
        const outcome = await outcomeOf(acceptPayment(db, orderId, `pi_${orderId}`));
        await db.commit();
        return outcome;
      }),
    );
    await gate.reached(2);
    await gate.open();

    expect(await told).toEqual(['accepted', 'accepted']);
  });

  test('a reference that was told since the transaction began has the answer of then', async () => {
    const [paid, other] = [await pendingOrder(shop), await pendingOrder(shop)];
    const db = await shop.connect();
    await db.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    await acceptPayment(shop.db, paid.orderId, 'pi_1');

    expect(await outcomeOf(acceptPayment(db, paid.orderId, 'pi_1'))).toBe('already_accepted');
    expect(await outcomeOf(acceptPayment(db, other.orderId, 'pi_1'))).toBe('reference_used');
    await db.commit();
    expect(await shop.column('SELECT status FROM orders ORDER BY id')).toEqual([2, 1]);
  });
});

describe.for(['+00:00', '+08:00'])('in a shop whose clock is %s', (clock) => {
  test('deadlines tell a countdown for each order', async () => {
    const shop = await createShop({ clock });
    const held = await pendingOrder(shop, { ageMinutes: 40 });
    await hold(shop, held, 20);
    const states = {
      cancelled: await order(shop, { status: 'cancelled' }),
      paid: await order(shop, { status: 'paid' }),
      excluded: await pendingOrder(shop, { sourceType: 3 }),
      on_hold: held,
      due: await pendingOrder(shop, { ageMinutes: 40 }),
      pending: await pendingOrder(shop, { ageMinutes: 10 }),
      not_found: { orderId: 404 },
    };

    const ids = Object.values(states).map(({ orderId }) => orderId);
    const told = await orderDeadlines(shop.db, ids);

    expect(told.map(({ orderId }) => orderId)).toEqual(ids.map(String));
    expect(told.map(({ state }) => state)).toEqual(Object.keys(states));
    const [, , , onHold, isDue, pending] = told;
    expect(Math.abs(Number(pending?.expiresAt) - Date.now() - 20 * 60_000)).toBeLessThan(30_000);
    expect(Math.abs(Number(pending?.remainingSeconds) - 20 * 60)).toBeLessThan(30);
    expect(onHold?.heldUntil).toEqual(onHold?.expiresAt);
    expect(isDue?.remainingSeconds).toBe(0);
  });
});

test('deadlines take a list of ids, which may be empty', async () => {
  expect(await orderDeadlines(shop.db, [])).toEqual([]);
  for (const list of ['[0]', '[1.5]', '{}', '["x"]', '[null]', '[[1]]'])
    await expect(shop.db.query('CALL order_deadlines(?)', [list])).rejects.toMatchObject({
      errno: 50008,
    });
  await expect(shop.db.query('CALL order_deadlines(?)', ['[7, 0, "x"]'])).rejects.toThrow(
    'must be a JSON array of at most 1000 positive ids, but is ARRAY of 3; no ids: 2',
  );
  await expect(shop.db.query('CALL order_deadlines(NULL)')).rejects.toThrow('but is NULL');
});

const toSendBack = (shop: Shop) =>
  shop.column(
    'SELECT reference FROM order_timeout_payment WHERE to_send_back = 1 ORDER BY reference',
  );
