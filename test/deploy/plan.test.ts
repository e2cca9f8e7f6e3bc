import { execFile } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { plan, up } from '../../scripts/deploy';
import { deploymentLock } from '../../scripts/deploy/lock';
import { mysqlClientCommand } from '../../scripts/dev/server';
import { pendingOrder } from '../support';
import { deployedShop, eventStatus, newShop } from './support/deployer';
import { snapshot } from './support/snapshot';
import { edited, SMALL, without } from './support/sources';

/** Runs a script with the plain mysql client, as a DBA does. */
async function runWithClient(url: string, script: string): Promise<void> {
  const client = await mysqlClientCommand();
  const { hostname, port, username, password, pathname } = new URL(url);
  const args = [
    ...client.args,
    `--host=${hostname}`,
    `--port=${port || '3306'}`,
    `--user=${decodeURIComponent(username)}`,
    pathname.slice(1),
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
    const [byUp, byScript] = [await newShop(), await newShop()];
    await up(byUp.url, { clock: '+08:00', paused: true });
    const before = await snapshot(byScript.shop);
    const { sql } = await plan(byScript.url, { clock: '+08:00', paused: true });
    expect(await snapshot(byScript.shop)).toEqual(before);
    await runWithClient(byScript.url, sql);

    expect(await snapshot(byScript.shop)).toEqual(await snapshot(byUp.shop));
    for (const { shop } of [byUp, byScript])
      expect(await shop.run('SELECT clock, paused FROM order_timeout_setting')).toEqual([
        { clock: '+08:00', paused: 1 },
      ]);
    expect(await up(byScript.url)).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('begins with the size of the first sweep and the indexes, which may be made beforehand', async () => {
    const { shop, url } = await newShop();
    await pendingOrder(shop, { coupon: 1000, points: 50 });
    await pendingOrder(shop, { coupon: 1000 });
    await pendingOrder(shop, { ageMinutes: 1 });
    const { sql, steps } = await plan(url, { source: SMALL });
    expect(sql).toContain(
      '-- The first sweep would cancel 2 orders and give back about coupon 2,000, points 50. Orders of a type that order_timeout_policy switches off are left out: at first of type 3.',
    );
    expect(sql).toContain('-- order_coupons needs no other index on (order_id): it has idx_order');
    expect(sql).not.toContain('ALTER TABLE `order_coupons`');
    expect(steps[0]).toMatch(/^index /);
    const [statement = ''] = /ALTER TABLE `orders`[^;]+/.exec(sql) ?? [];
    await shop.run(statement);
    expect((await plan(url, { source: SMALL })).sql).not.toContain('ALTER TABLE `orders`');
  });

  it('stops before its first change while somebody else deploys', async () => {
    const { shop, url } = await newShop();
    const { sql } = await plan(url, { source: SMALL });
    const other = await shop.connect();
    await other.query('DO GET_LOCK(?, 0)', [deploymentLock(shop.name)]);
    const before = await snapshot(shop);
    await expect(runWithClient(url, sql)).rejects.toThrow(
      'another_deployment_of_this_database_is_under_way',
    );
    expect(await snapshot(shop)).toEqual(before);
  });

  it('stops before its first change when the database was deployed to since', async () => {
    const { shop, url } = await deployedShop();
    const { sql } = await plan(url, { source: edited(SMALL, 'order_timeout_first') });
    await up(url, { source: edited(SMALL, 'order_timeout_double') });
    const before = await snapshot(shop);
    await expect(runWithClient(url, sql)).rejects.toThrow(
      'the_database_was_deployed_to_since_this_was_planned',
    );
    expect(await snapshot(shop)).toEqual(before);
  });

  it('has only what is left to do, and keeps grants and the state of the event', async () => {
    const { shop, url } = await deployedShop();
    const account = await shop.createAccount(
      `EXECUTE ON PROCEDURE ${shop.name}.order_timeout_first`,
    );
    const operator = await shop.connect({ uri: url });
    await operator.query('ALTER EVENT order_timeout_tick DISABLE');
    const source = ['order_timeout_first', 'order_timeout_tick'].reduce(edited, SMALL);

    const { sql, steps } = await plan(url, { source });
    await runWithClient(url, sql);
    expect(steps).toHaveLength(5);
    expect(await snapshot(shop)).toMatchObject({
      [`grant on order_timeout_first to ${new URL(account).username}@%`]: 'Execute',
    });
    expect(await eventStatus(shop)).toBe('DISABLED');
    expect(await plan(url, { source })).toMatchObject({ steps: [] });
  });

  it('says in its header what creating functions takes', async () => {
    const { url } = await newShop();
    const trust = 'SET GLOBAL log_bin_trust_function_creators = 1;';
    const { sql } = await plan(url, { source: SMALL });
    expect(sql.slice(0, sql.indexOf('USE '))).toContain(trust);
    const withoutFunction = [
      'order_timeout_double',
      'order_timeout_seen',
      'order_timeout_a_use',
    ].reduce(without, SMALL);
    expect((await plan(url, { source: withoutFunction })).sql).not.toContain(trust);
  });
});
