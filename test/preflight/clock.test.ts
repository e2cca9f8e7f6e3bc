import { describe, expect, it } from 'vitest';
import { Refusal, up } from '../../scripts/migrate';
import { judgeClock } from '../../scripts/preflight/clock';
import { createShop, timestamps } from '../support';
import { smallSource } from '../migrate/support/sources';

const HOUR = 3600;
const judge = (clock: string, ahead: number | null, others = {}) =>
  judgeClock({ clock, ahead, isDatetime: true, isNew: true, ...others });

describe('the clock', () => {
  it.each([
    ['there are no orders', null],
    ['the newest order is of now', -3],
    ['the newest order is a little ahead', 4 * 60],
  ])('is right when %s', (_, ahead) => {
    expect(judge('+00:00', ahead)).toEqual({ findings: [], remarks: [] });
  });

  it.each([
    ['+00:00', 8 * HOUR - 20, '--clock +08:00'],
    ['-05:00', 13 * HOUR, '--clock +08:00'],
    ['-05:00', 1 * HOUR, '--clock -04:00'],
    ['+00:00', 5.5 * HOUR, '--clock +05:30'],
    ['+00:00', 6 * 60, '6 minutes in the future'],
  ])('%s is refused when the newest order is ahead by %d seconds', (clock, ahead, message) => {
    expect(judge(clock, ahead).findings.join()).toContain(message);
  });

  it('gets a remark when the newest order is old, and only while the clock is being set', () => {
    expect(judge('+08:00', -8 * HOUR).remarks.join()).toContain(
      '8 hours old under the clock +08:00',
    );
    expect(judge('+08:00', -8 * HOUR, { isNew: false }).remarks).toEqual([]);
  });

  it('is not to blame when the times are instants', () => {
    expect(judge('+08:00', 8 * HOUR, { isDatetime: false }).findings.join()).toContain(
      "the server's clock is wrong",
    );
    expect(judge('+08:00', -8 * HOUR, { isDatetime: false }).remarks).toEqual([]);
  });
});

describe('"up"', () => {
  const insert = `INSERT INTO orders (order_no, user_id, created_at) VALUES ('1', 1, UTC_TIMESTAMP() + INTERVAL 8 HOUR)`;

  it('refuses a clock under which the newest order is of the future, and takes the right one', async () => {
    const shop = await createShop({ deploy: false });
    await shop.run(insert);
    const source = await smallSource();
    await expect(up(shop.url, { source })).rejects.toThrow(Refusal);
    await expect(up(shop.url, { source, clock: '+07:00' })).rejects.toThrow('--clock +08:00');
    expect(await up(shop.url, { source, clock: '+08:00' })).toMatchObject({
      outcome: 'done',
      remarks: [],
    });
    expect(await up(shop.url, { source })).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('takes any clock where times are instants', async () => {
    const shop = await createShop({ deploy: false, schema: timestamps });
    await shop.run(
      "INSERT INTO orders (order_no, user_id, created_at) VALUES ('1', 1, CURRENT_TIMESTAMP())",
    );
    expect(await up(shop.url, { source: await smallSource(), clock: '-03:00' })).toMatchObject({
      outcome: 'done',
      remarks: [],
    });
  });
});
