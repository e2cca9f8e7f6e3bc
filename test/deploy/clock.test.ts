import { describe, expect, it } from 'vitest';
import { up } from '../../scripts/deploy';
import { type ClockFacts, judgeClock } from '../../scripts/deploy/clock';
import { timestamps } from '../support';
import { newShop } from './support/deployer';
import { SMALL } from './support/sources';

const HOUR = 3600;
/** A quiet shop under +00:00 that sets its clock, unless it is said otherwise. */
function judge({
  clock = '+00:00',
  isNew = true,
  isRight = false,
  isDatetime = true,
  ...facts
}: Partial<ClockFacts & { clock: string; isNew: boolean; isRight: boolean; isDatetime: boolean }>) {
  const seen = { age: null, gap: null, ageInUtc: null, ageInServersZone: null, ...facts };
  return [...judgeClock(seen, isDatetime, { clock, isNew, isRight })].map(
    ({ severity, remedy }) => [severity, /--clock [+-]\d\d:\d\d/.exec(remedy)?.[0]],
  );
}

describe('the clock', () => {
  it.each([
    ['there are no orders', null],
    ['the newest order is of now', 3],
    ['the newest order is a little ahead', -4 * 60],
  ])('is right when %s', (_, age) => {
    expect(judge({ age })).toEqual([]);
  });

  it.each([
    ['+00:00', -8 * HOUR + 20, '--clock +08:00'],
    ['-05:00', -13 * HOUR, '--clock +08:00'],
    ['-05:00', -1 * HOUR, '--clock -04:00'],
    ['+00:00', -5.5 * HOUR, '--clock +05:30'],
  ])('%s is refused when the newest order is %d seconds old', (clock, age, advice) => {
    expect(judge({ clock, age })).toEqual([['mistake', advice]]);
  });

  it('is refused when a busy shop stops just a whole number of quarter hours ago', () => {
    const age = 8 * HOUR + 20;
    expect(judge({ clock: '+08:00', age, gap: 10 })).toEqual([['mistake', '--clock +00:00']]);
    expect(judge({ clock: '+08:00', age, gap: 10, isRight: true })).toEqual([
      ['remark', undefined],
    ]);
    expect(judge({ clock: '+08:00', age: age + 300, gap: 10 })).toEqual([['remark', undefined]]);
  });

  it('is not to blame for what no clock explains: none is proposed that there can’t be', () => {
    expect(judge({ age: -14.5 * HOUR })).toEqual([['mistake', undefined]]);
    expect(judge({ age: 14 * HOUR, gap: 300 })).toEqual([['remark', undefined]]);
  });

  it('is right when somebody vouches for it, though an order is of the future', () => {
    expect(judge({ age: -300 * HOUR, isNew: false, isRight: true })).toEqual([
      ['remark', undefined],
    ]);
    expect(judge({ age: -HOUR, isRight: true })).toEqual([['remark', '--clock +01:00']]);
  });

  it('gets a remark when a quiet shop has no new order, and only while the clock is being set', () => {
    expect(judge({ age: 8 * HOUR + 20, gap: 2 * HOUR })).toEqual([['remark', undefined]]);
    expect(judge({ age: 8 * HOUR + 20, gap: 2 * HOUR, isNew: false })).toEqual([]);
  });

  it('is not to blame when the times are instants', () => {
    expect(judge({ age: -8 * HOUR, isDatetime: false })).toEqual([['mistake', undefined]]);
    expect(judge({ age: 8 * HOUR, isDatetime: false })).toEqual([]);
  });
});

describe('"up"', () => {
  it('refuses a clock under which the newest order is of the future, and takes the right one', async () => {
    const { shop, url } = await newShop();
    await shop.run(
      "INSERT INTO orders (order_no, user_id, created_at) VALUES ('1', 1, UTC_TIMESTAMP() + INTERVAL 8 HOUR)",
    );
    await expect(up(url, { source: SMALL, clock: '+07:00' })).rejects.toThrow('--clock +08:00');
    expect(await up(url, { source: SMALL, clock: '+08:00' })).toMatchObject({ outcome: 'done' });
    expect(await up(url, { source: SMALL })).toMatchObject({ outcome: 'nothing_to_do' });
  });

  it('refuses one under which a busy shop has been silent for just eight hours', async () => {
    const { shop, url } = await newShop();
    await shop.run(
      `INSERT INTO orders (order_no, user_id, created_at)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
       SELECT i, 1, UTC_TIMESTAMP() - INTERVAL 10 * (101 - i) SECOND FROM n`,
    );
    const deploy = (clockIsRight: boolean) =>
      up(url, { source: SMALL, clock: '+08:00', clockIsRight });
    await expect(deploy(false)).rejects.toThrow('--clock-is-right');
    expect(await deploy(true)).toMatchObject({ outcome: 'done' });
  });

  it('takes any clock where times are instants', async () => {
    const { shop, url } = await newShop({ schema: timestamps });
    await shop.run(
      "INSERT INTO orders (order_no, user_id, created_at) VALUES ('1', 1, CURRENT_TIMESTAMP())",
    );
    const { remarks } = await up(url, { source: SMALL, clock: '-03:00' });
    expect(remarks.filter(({ about }) => about === 'clock')).toEqual([]);
  });
});
