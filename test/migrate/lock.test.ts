import { describe, expect, it } from 'vitest';
import { DeploymentLocked, up } from '../../scripts/migrate';
import { deploymentLock, sweepLock } from '../../scripts/migrate/lock';
import { createShop, until } from '../support';
import { smallSource, withText } from './support/sources';

describe('deployments of one database', () => {
  it('that start at once: one is done, the others say who holds the lock', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => up(shop.url, { source })),
    );

    const done = results.filter((result) => result.status === 'fulfilled');
    const errors = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => reason as Error);
    expect(done.filter(({ value }) => value.outcome === 'done')).toHaveLength(1);
    expect(errors.every((error) => error instanceof DeploymentLocked)).toBe(true);
    expect(await up(shop.url, { source })).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('name the connection that is deploying', async () => {
    const shop = await createShop({ deploy: false });
    const other = await shop.connect();
    await other.query('DO GET_LOCK(?, 0)', [deploymentLock(shop.name)]);
    await expect(up(shop.url)).rejects.toMatchObject({ connectionId: other.threadId });
    await expect(up(shop.url)).rejects.toThrow(
      `Connection ${other.threadId} is deploying to this database`,
    );
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

describe('a transaction that uses a procedure', () => {
  it('is waited for, with short waits, and then the procedure is replaced', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    const caller = await shop.connect();
    await caller.query('START TRANSACTION');
    await caller.query("CALL order_timeout_require_id('p', 1)");

    const lines: string[] = [];
    const deployment = up(shop.url, {
      source: withText(source, 'order_timeout_require_id', (text) => `${text}-- edited\n`),
      lockWaitSeconds: 1,
      lockPauseMs: 50,
      log: (line) => lines.push(line),
    });
    await until(() => Promise.resolve(lines.length > 0));
    await caller.query('ROLLBACK');
    expect(await deployment).toMatchObject({ outcome: 'done' });
    expect(lines).toEqual([expect.stringContaining('waits for a transaction that uses it')]);
  });

  it('that does not end makes the deployment give up, and the next one goes on', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    const caller = await shop.connect();
    await caller.query('START TRANSACTION');
    await caller.query("CALL order_timeout_require_id('p', 1)");

    const edited = withText(source, 'order_timeout_require_id', (text) => `${text}-- edited\n`);
    await expect(
      up(shop.url, { source: edited, lockWaitSeconds: 1, lockRetries: 0 }),
    ).rejects.toThrow('procedure order_timeout_require_id: changed: Lock wait timeout exceeded');
    await caller.query('ROLLBACK');
    expect(await up(shop.url, { source: edited })).toMatchObject({ outcome: 'done' });
  });
});
