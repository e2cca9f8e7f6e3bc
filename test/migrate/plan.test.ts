import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { plan, up } from '../../scripts/migrate';
import { mysqlClientCommand } from '../../scripts/server';
import { createShop, type Shop } from '../support';
import { snapshot } from './support/snapshot';
import { smallSource, withText } from './support/sources';

/** Runs a script with the plain mysql client, as a DBA does. */
async function runWithClient(shop: Shop, script: string): Promise<void> {
  const client = await mysqlClientCommand();
  const { hostname, port, username, password } = new URL(shop.url);
  const args = [
    ...client.args,
    `--host=${hostname}`,
    `--port=${port || '3306'}`,
    `--user=${decodeURIComponent(username)}`,
    shop.name,
  ];
  const env = { ...process.env, MYSQL_PWD: decodeURIComponent(password) };
  await new Promise<void>((resolve, reject) => {
    const child = execFile(client.command, args, { env }, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(stderr));
    });
    child.stdin?.end(script);
  });
}

describe('the script that "plan" prints', () => {
  it('does with the mysql client what "up" does', async () => {
    const [byUp, byScript] = await Promise.all([
      createShop({ deploy: false }),
      createShop({ deploy: false }),
    ]);
    await up(byUp.url, { clock: '+08:00', paused: true });
    const { sql } = await plan(byScript.url, { clock: '+08:00', paused: true });
    await runWithClient(byScript, sql);

    expect(await snapshot(byScript)).toEqual(await snapshot(byUp));
    expect(await byScript.run('SELECT clock, paused FROM order_timeout_setting')).toEqual([
      { clock: '+08:00', paused: 1 },
    ]);
    expect(await up(byScript.url)).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('changes nothing when it is made', async () => {
    const shop = await createShop({ deploy: false });
    const before = await snapshot(shop);
    await plan(shop.url);
    expect(await snapshot(shop)).toEqual(before);
  });

  it('has only what is left to do, and keeps grants and the state of the event', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    const account = await shop.createAccount(
      `EXECUTE ON PROCEDURE ${shop.name}.order_timeout_require_id`,
    );
    await shop.run('ALTER EVENT order_timeout_tick DISABLE');
    const changed = ['order_timeout_require_id', 'order_timeout_tick'].reduce(
      (edited, name) => withText(edited, name, (text) => `${text}-- edited\n`),
      source,
    );

    const { sql, steps } = await plan(shop.url, { source: changed });
    await runWithClient(shop, sql);
    expect(steps).toHaveLength(5);
    expect(sql).not.toContain('CREATE TABLE');
    expect(await snapshot(shop)).toMatchObject({
      [`grant on order_timeout_require_id to ${new URL(account).username}@%`]: 'Execute',
    });
    expect(
      await shop.run(
        'SELECT status AS status FROM information_schema.events WHERE event_schema = DATABASE()',
      ),
    ).toEqual([{ status: 'DISABLED' }]);
    expect(await up(shop.url, { source: changed })).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('says which index the shop has already', async () => {
    const shop = await createShop({ deploy: false });
    const { sql } = await plan(shop.url);
    expect(sql).toContain('-- (order_coupons needs no other index: it has idx_order (order_id))');
    expect(sql).not.toContain('ALTER TABLE order_coupons');
  });

  it('has nothing to do where everything is done', async () => {
    const shop = await createShop({ deploy: false });
    const source = await smallSource();
    await up(shop.url, { source });
    expect(await plan(shop.url, { source })).toMatchObject({ steps: [] });
  });
});
