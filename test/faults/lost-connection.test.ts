import { createConnection } from 'mysql2/promise';
import { createServer, connect as connectSocket, type Socket } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { cancelExpiredOrder } from '../../scripts';
import { isSession, pendingOrder, shopOfFile, until } from '../support';
import { expectAllBackOnce } from '../procedures/calls';

// A connection that is lost in the middle of a call: kill.test.ts, test/client/lost-connections.test.ts.

const shop = shopOfFile();

interface Proxy {
  readonly url: string;
  /** From now on nothing that the server says arrives; the line is cut when it says something. */
  cutAnswers(): void;
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
  return { url: proxied.href, cutAnswers: () => (isCutting = true) };
}

test('a connection cut while the answer travels: the outcome is unknown, and calling again is safe', async () => {
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
