import { EXAMPLES } from '../../shop';
import { learn, requireSameState, writeFloor } from '../floor';
import { cancelInApplication } from '../loop';
import { type Cost, cpuOfAll, median, perSecond, select } from '../measure';
import { atLeast, type Section } from '../section';
import { type Bench, DUE_ONLY, sweepAll, timed } from '../shop';

/** The engine against the floor and the application's loop. In each round each has its turn, so that a noisy machine hits all alike. */
export async function measureThroughput(bench: Bench): Promise<Section> {
  const { rounds, backlog, loopBacklog } = bench.sizes;
  const costs = { engine: [] as Cost[], floor: [] as Cost[], loop: [] as Cost[] };
  const engine = await bench.shop('engine');
  const floor = await bench.shop('floor');
  const loop = await bench.shop('hand_written');
  const runFloor = async () => {
    const write = () => writeFloor(floor.db);
    costs.floor.push(await timed(bench, 'throughput: floor', floor, backlog, write));
  };

  // The floor learns from a sweep that isn't counted, and that warms the server up.
  await engine.refill(backlog, DUE_ONLY);
  await floor.refill(backlog, DUE_ONLY);
  await sweepAll(engine.db);
  await learn(floor, engine);

  for (let round = 1; round <= rounds; round += 1) {
    await engine.refill(backlog, DUE_ONLY);
    await floor.refill(backlog, DUE_ONLY);
    if (round % 2 === 0) await runFloor();
    costs.engine.push(await timed(bench, 'throughput: engine', engine, backlog));
    if (round % 2 === 1) await runFloor();
    await requireSameState(engine, floor);
    await loop.refill(loopBacklog, DUE_ONLY);
    const cancel = () => cancelInApplication(loop.db);
    costs.loop.push(await timed(bench, 'throughput: loop', loop, loopBacklog, cancel));
  }
  await engine.refill(loopBacklog, DUE_ONLY);
  await sweepAll(engine.db);
  // It knows one coupon an order, so an order with two loses one: the bug that began it all is not compared.
  await requireSameState(engine, loop, ['orders', 'user_points', 'user_points_ledger']);

  /** Round by round: what hits one round hits both. */
  const share = (of: keyof Cost) =>
    median(costs.engine.map((one, round) => (costs.floor[round]?.[of] ?? NaN) / one[of]));
  const row = (label: string, of: readonly Cost[], orders: number) => [
    label,
    orders,
    perSecond(of),
    cpuOfAll(of),
    of.map(({ wall }) => Math.round(1e6 / wall)).join(' '),
  ];
  return {
    title: 'Throughput',
    head: ['', 'orders', 'orders/s', 'CPU ms per 1,000', 'rounds, orders/s'],
    rows: [
      row('this engine', costs.engine, backlog),
      row('the floor: the same rows, nothing checked', costs.floor, backlog),
      row('a loop in the application', costs.loop, loopBacklog),
    ],
    notes: [
      "The engine and the floor end in the same state, the loop in the shop's orders and points too.",
    ],
    ratios: [
      atLeast(`engine against floor, ${backlog} orders`, share('wall'), 0.75),
      atLeast(`engine against floor, ${backlog} orders, CPU`, share('cpu'), 0.75),
      atLeast(
        'engine against the loop in the application',
        perSecond(costs.engine) / perSecond(costs.loop),
        25,
      ),
    ],
    bars: {
      unit: 'orders/s',
      values: [
        ['loop in the\napplication', perSecond(costs.loop)],
        ['this engine', perSecond(costs.engine)],
        ['floor: bare\nwrites', perSecond(costs.floor)],
      ],
    },
  };
}

/** The engine's throughput as the backlog grows. The sizes take turns; the largest are long enough to be steady. */
export async function measureGrowth(bench: Bench): Promise<Section> {
  const engine = await bench.shop('engine');
  const measured = new Map<number, Cost[]>(bench.sizes.growingBacklogs.map((size) => [size, []]));
  for (let round = 1; round <= bench.sizes.rounds; round += 1) {
    for (const [size, costs] of measured) {
      if ((size >= 1_000_000 && round > 1) || (size >= 100_000 && round > 3)) continue;
      await engine.refill(size, DUE_ONLY);
      costs.push(await timed(bench, 'growth', engine, size));
    }
  }
  const speeds = [...measured].map(([size, costs]) => [size, perSecond(costs)] as const);
  const [[smallest, small], [largest, large]] = [speeds[0] ?? [0, NaN], speeds.at(-1) ?? [0, NaN]];
  return {
    title: 'Throughput as the backlog grows',
    head: ['orders due', 'orders/s', 'CPU ms per 1,000'],
    rows: [...measured].map(([size, costs]) => [size, perSecond(costs), cpuOfAll(costs)]),
    ratios: [atLeast(`throughput at ${largest} due against ${smallest} due`, large / small, 0.8)],
    bars: {
      unit: 'orders/s',
      values: speeds.map(([size, speed]) => [`${size.toLocaleString('en')} due`, speed]),
    },
  };
}

/** The same number of due orders in each example shop. What is owed to shared rows is given within the time. */
export async function measureShops(bench: Bench): Promise<Section> {
  const { rounds, backlog } = bench.sizes;
  const measured = EXAMPLES.map((example) => ({ example, costs: [] as Cost[], refunds: 0 }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const one of measured) {
      const shop = await bench.shop(one.example.replace('-', '_'), one.example);
      await shop.refill(backlog, DUE_ONLY);
      one.costs.push(await timed(bench, `shops: ${one.example}`, shop, backlog));
      const [left] = await select<{ owed: number; refunds: number }>(
        shop.db,
        'SELECT (SELECT COUNT(*) FROM order_timeout_owed) AS owed, (SELECT COUNT(*) FROM order_timeout_refund) AS refunds',
      );
      if (left?.owed !== 0) throw new Error(`${one.example}: ${left?.owed} refunds are still owed`);
      one.refunds = left.refunds;
    }
  }
  return {
    title: `Three shops, ${backlog} orders due in each`,
    head: ['', 'refunds', 'orders/s', 'CPU ms per 1,000 orders'],
    rows: measured.map(({ example, costs, refunds }) => [
      example,
      refunds,
      perSecond(costs),
      cpuOfAll(costs),
    ]),
    notes: [
      'litemall and mall give stock back too, in small transactions after the cancellations.',
    ],
    ratios: [],
  };
}
