import { describe, expect, it } from 'vitest';
import { DeploymentLocked, up } from '../../scripts/deploy';
import { until } from '../support';
import { holding } from '../procedures/obstacles';
import { deployedShop, newShop } from './support/deployer';
import { edited, SMALL } from './support/sources';

describe('deployments of one database', () => {
  it('that start at once: one is done, the others are turned away', async () => {
    const { url } = await newShop();
    const turnedAway = (error: unknown) => {
      if (!(error instanceof DeploymentLocked)) throw error;
      return 'turned away';
    };
    const deploy = () => up(url, { source: SMALL }).then(({ outcome }) => outcome, turnedAway);
    const ends = await Promise.all(Array.from({ length: 8 }, deploy));
    expect(ends.filter((end) => end === 'done')).toHaveLength(1);
    expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
  });
});

describe('a transaction that uses a routine', () => {
  async function inUse() {
    const { shop, url } = await deployedShop();
    const caller = await holding(shop, 'CALL order_timeout_first(1)');
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
    const { shop, url } = await newShop();
    const idle = await holding(shop, 'SELECT * FROM orders');
    await until(async () => {
      const old = await shop.run(
        'SELECT 1 FROM performance_schema.processlist WHERE id = ? AND time > 2',
        [idle.threadId],
      );
      return old.length > 0;
    });

    const lines: string[] = [];
    const deployment = up(url, {
      source: SMALL,
      lockPauseMs: 200,
      log: (line) => lines.push(line),
    });
    await until(() => Promise.resolve(lines.length > 0));
    expect(lines[0]).toContain(`connection ${idle.threadId} (root@`);
    const waiting = await shop.run(
      `SELECT 1 FROM performance_schema.metadata_locks
        WHERE object_schema = ? AND lock_status = 'PENDING'`,
      [shop.name],
    );
    expect(waiting).toEqual([]);
    await idle.query('ROLLBACK');
    expect(await deployment).toMatchObject({ outcome: 'done' });
  });

  it('that is lost to a transaction is not begun again by itself', async () => {
    const { shop, url } = await newShop();
    const young = await holding(shop, 'SELECT * FROM orders');
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
