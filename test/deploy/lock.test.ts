import { describe, expect, it } from 'vitest';
import { DeploymentLocked, up } from '../../scripts/deploy';
import { deploymentLock, sweepLock } from '../../scripts/deploy/lock';
import { createShop, until } from '../support';
import { deployer } from './support/deployer';
import { edited, SMALL } from './support/sources';

describe('deployments of one database', () => {
  it('that start at once: one is done, the others are turned away', async () => {
    const shop = await createShop({ deploy: false });
    const url = await deployer(shop);
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => up(url, { source: SMALL })),
    );
    const done = results.filter((result) => result.status === 'fulfilled');
    const errors = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => reason as Error);
    expect(done.filter(({ value }) => value.outcome === 'done')).toHaveLength(1);
    expect(errors.every((error) => error instanceof DeploymentLocked)).toBe(true);
    expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('name the connection that is deploying', async () => {
    const shop = await createShop({ deploy: false });
    const other = await shop.connect();
    await other.query('DO GET_LOCK(?, 0)', [deploymentLock(shop.name)]);
    await expect(up(shop.url)).rejects.toMatchObject({ connectionId: other.threadId });
  });
});

describe('lock names', () => {
  const longest = 'a'.repeat(64);
  it.each([deploymentLock(longest), sweepLock(longest)])('fit into 64 characters: %s', (name) => {
    expect(name.length).toBeLessThanOrEqual(64);
  });

  it("are the sweep's own where the sweep is meant", async () => {
    const shop = await createShop();
    const blocker = await shop.connect();
    await blocker.query('DO GET_LOCK(?, 0)', [sweepLock(shop.name)]);
    const [[[row]]] = (await shop.db.query('CALL cancel_expired_orders()')) as unknown as [
      [[object]],
    ];
    expect(row).toMatchObject({ outcome: 'busy' });
  });
});

describe('a transaction that uses a routine', () => {
  async function inUse() {
    const shop = await createShop({ deploy: false });
    const url = await deployer(shop);
    await up(url, { source: SMALL });
    const caller = await shop.connect();
    await caller.query('START TRANSACTION');
    await caller.query('CALL order_timeout_first(1)');
    return { url, caller, source: edited(SMALL, 'order_timeout_first') };
  }

  it('is waited for in short waits, and its connection is named', async () => {
    const { url, caller, source } = await inUse();
    const lines: string[] = [];
    const deployment = up(url, { source, lockPauseMs: 50, log: (line) => lines.push(line) });
    await until(() => Promise.resolve(lines.length > 0));
    await caller.query('ROLLBACK');
    expect(await deployment).toMatchObject({ outcome: 'done' });
    expect(lines[0]).toContain(`waits for connection ${caller.threadId} (root@`);
  });

  it('that does not end makes the deployment give up, and the next one goes on', async () => {
    const { url, caller, source } = await inUse();
    await expect(up(url, { source, lockRetries: 0 })).rejects.toThrow(
      `waits for connection ${caller.threadId}`,
    );
    await caller.query('ROLLBACK');
    expect(await up(url, { source })).toMatchObject({ outcome: 'done' });
  });
});

describe('an index on a busy table', () => {
  it('is not begun while an old transaction uses the table, and nobody else waits meanwhile', async () => {
    const shop = await createShop({ deploy: false });
    const url = await deployer(shop);
    const idle = await shop.connect();
    await idle.query('START TRANSACTION');
    await idle.query('SELECT * FROM orders');
    await new Promise((resolve) => setTimeout(resolve, 2500));

    const lines: string[] = [];
    const deployment = up(url, {
      source: SMALL,
      lockPauseMs: 200,
      log: (line) => lines.push(line),
    });
    await until(() => Promise.resolve(lines.length > 0));
    expect(lines[0]).toContain(`connection ${idle.threadId} (root@`);
    const startedAt = performance.now();
    await shop.run('UPDATE orders SET status = 1 WHERE id = 0');
    expect(performance.now() - startedAt).toBeLessThan(500);
    await idle.query('ROLLBACK');
    expect(await deployment).toMatchObject({ outcome: 'done' });
  });

  it('that is lost to a transaction is not begun again by itself', async () => {
    const shop = await createShop({ deploy: false });
    const url = await deployer(shop);
    const young = await shop.connect();
    await young.query('START TRANSACTION');
    await young.query('SELECT * FROM orders');
    // It does something all the time, and so is no old one.
    const busy = setInterval(() => void young.query('SELECT COUNT(*) FROM orders'), 200);
    try {
      await expect(up(url, { source: SMALL })).rejects.toThrow(
        /waits for connection \d+ .*The index is not built/s,
      );
    } finally {
      clearInterval(busy);
    }
    await young.query('ROLLBACK');
    expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'done' });
  });
});
