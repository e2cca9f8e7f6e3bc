import { createConnection } from 'mysql2/promise';
import { createServer, connect as connectSocket, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished } from 'vitest';
import { cancelExpiredOrder, OutcomeUnknownError } from '../../scripts';
import { closeGate, isSession, pendingOrder, sessionEnd, testsInShop, until } from '../support';
import { expectAllBackOnce } from '../procedures/calls';

const test = testsInShop();

interface Proxy {
  readonly url: string;
  /** From now on nothing that the server says arrives; the line is cut when it says something. */
  cutAnswers(): void;
  /** Cuts the line now. */
  cut(): void;
}

/** Stands between client and server, as a network does. */
async function startProxy(url: string): Promise<Proxy> {
  const target = new URL(url);
  const sockets: Socket[] = [];
  let isCutting = false;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    const upstream = connectSocket(Number(target.port), target.hostname);
    sockets.push(client, upstream);
    client.pipe(upstream);
    upstream.on('data', (data) => {
      if (isCutting) cut();
      else client.write(data);
    });
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    cut();
    server.close();
  });
  const proxied = new URL(url);
  proxied.host = `127.0.0.1:${(server.address() as { port: number }).port}`;
  return { url: proxied.href, cut, cutAnswers: () => (isCutting = true) };
}

test('a connection cut while the answer travels: the outcome is unknown, and calling again is safe', async ({
  shop,
}) => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const proxy = await startProxy(shop.url);
  const db = await createConnection({ uri: proxy.url });
  db.on('error', () => undefined);
  proxy.cutAnswers();

  await expect(cancelExpiredOrder(db, orderId)).rejects.toBeInstanceOf(Error);
  await until(async () => {
    const [order] = await shop.run('SELECT status FROM orders WHERE id = ?', [orderId]);
    return order?.status === 3 || !(await isSession(shop, db.threadId));
  });
  const again = await cancelExpiredOrder(shop.db, orderId);

  expect(['cancelled', 'not_pending']).toContain(again.outcome);
  await expectAllBackOnce(shop);
});

test('a connection cut in the middle of the call: the same', async ({ shop }) => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');
  const proxy = await startProxy(shop.url);
  const db = await createConnection({ uri: proxy.url });
  db.on('error', () => undefined);
  const failure = expect(cancelExpiredOrder(db, orderId)).rejects.toBeInstanceOf(
    OutcomeUnknownError,
  );
  await gate.reached();
  proxy.cut();
  await failure;
  await gate.open();
  await sessionEnd(shop, db.threadId);
  await cancelExpiredOrder(shop.db, orderId);

  expect(await shop.run('SELECT COUNT(*) AS entries FROM order_timeout_cancellation')).toEqual([
    { entries: 1 },
  ]);
  await expectAllBackOnce(shop);
});
