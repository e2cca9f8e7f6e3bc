import { type Bench, type BenchShop, DUE_ONLY, sweepAll } from '../shop';
import { learn, requireSameState, writeFloor } from '../floor';
import { cancelInApplication } from '../loop';
import { type Cost, costOf, median, select } from '../measure';
import { atLeast, type Section } from '../section';
import { EXAMPLES } from '../../shop';

/** Per 1,000 orders. */
type Costs = Cost[];

/** The engine against the floor and the application's loop. In each round each has its turn, so that a noisy machine hits all alike. */
export async function measureThroughput(bench: Bench): Promise<Section> {
  const { rounds, backlog, loopBacklog } = bench.sizes;
  const costs = { engine: [] as Costs, floor: [] as Costs, loop: [] as Costs };
  const engine = await bench.shop('engine');
  const floor = await bench.shop('floor');
  const loop = await bench.shop('hand_written');
  const time = async (
    name: keyof typeof costs,
    shop: BenchShop,
    orders: number,
    work: () => Promise<unknown>,
  ) => {
    const cost = await costOf(bench.admin, shop.db, work);
    costs[name].push({ wall: (cost.wall / orders) * 1000, cpu: (cost.cpu / orders) * 1000 });
    bench.progress(
      `throughput: ${name}, ${orders} orders: ${Math.round((orders / cost.wall) * 1000)}/s, CPU ${Math.round(cost.cpu)} ms`,
    );
  };
  const runEngine = (orders: number) => time('engine', engine, orders, () => sweepAll(engine.db));
  const runFloor = () => time('floor', floor, backlog, () => writeFloor(floor.db));

  // The floor learns from a sweep that isn't counted, and that warms the server up.
  await engine.refill(backlog, DUE_ONLY);
  await floor.refill(backlog, DUE_ONLY);
  await sweepAll(engine.db);
  await learn(floor, engine);

  for (let round = 1; round <= rounds; round += 1) {
    await engine.refill(backlog, DUE_ONLY);
    await floor.refill(backlog, DUE_ONLY);
    if (round % 2 === 0) await runFloor();
    await runEngine(backlog);
    if (round % 2 === 1) await runFloor();
    await requireSameState(engine, floor);
    await loop.refill(loopBacklog, DUE_ONLY);
    await time('loop', loop, loopBacklog, () => cancelInApplication(loop.db));
  }
  await engine.refill(loopBacklog, DUE_ONLY);
  await sweepAll(engine.db);
  // It knows one coupon an order, so an order with two loses one: the bug that began it all is not compared.
  await requireSameState(engine, loop, ['orders', 'user_points', 'user_points_ledger']);

  const cost = (name: keyof typeof costs, of: keyof Cost) =>
    median(costs[name].map((one) => one[of]));
  /** Round by round: what hits one round hits both. */
  const share = (of: keyof Cost) =>
    median(costs.engine.map((one, round) => (costs.floor[round]?.[of] ?? NaN) / one[of]));
  const row = (label: string, name: keyof typeof costs, orders: number) => [
    label,
    orders,
    1e6 / cost(name, 'wall'),
    cost(name, 'cpu'),
    costs[name].map(({ wall }) => Math.round(1e6 / wall)).join(' '),
  ];
  return {
    title: 'Throughput',
    head: ['', 'orders', 'orders/s', 'CPU ms per 1,000', 'rounds, orders/s'],
    rows: [
      row('this engine', 'engine', backlog),
      row('the floor: the same rows, nothing checked', 'floor', backlog),
      row('a loop in the application', 'loop', loopBacklog),
    ],
    notes: [
      "The engine and the floor end in the same state, the loop in the shop's orders and points too.",
    ],
    ratios: [
      atLeast(`engine against floor, ${backlog} orders`, share('wall'), 0.75),
      atLeast(`engine against floor, ${backlog} orders, CPU`, share('cpu'), 0.75),
      atLeast(
        'engine against the loop in the application',
        cost('loop', 'wall') / cost('engine', 'wall'),
        25,
      ),
    ],
    bars: {
      unit: 'orders/s',
      values: [
        ['loop in the\napplication', 1e6 / cost('loop', 'wall')],
        ['this engine', 1e6 / cost('engine', 'wall')],
        ['floor: bare\nwrites', 1e6 / cost('floor', 'wall')],
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
      const cost = await costOf(bench.admin, engine.db, () => sweepAll(engine.db));
      costs.push({ wall: (cost.wall / size) * 1000, cpu: (cost.cpu / size) * 1000 });
      bench.progress(`growth: ${size} orders: ${Math.round((size / cost.wall) * 1000)}/s`);
    }
  }
  const rows = [...measured].map(([size, costs]) => ({
    size,
    perSecond: 1e6 / median(costs.map(({ wall }) => wall)),
    cpu: median(costs.map(({ cpu }) => cpu)),
  }));
  const [smallest, largest] = [rows[0], rows.at(-1)];
  return {
    title: 'Throughput as the backlog grows',
    head: ['orders due', 'orders/s', 'CPU ms per 1,000'],
    rows: rows.map(({ size, perSecond, cpu }) => [size, perSecond, cpu]),
    ratios: [
      atLeast(
        `throughput at ${largest?.size} due against ${smallest?.size} due`,
        (largest?.perSecond ?? NaN) / (smallest?.perSecond ?? NaN),
        0.8,
      ),
    ],
    bars: {
      unit: 'orders/s',
      values: rows.map(({ size, perSecond }) => [`${size.toLocaleString('en')} due`, perSecond]),
    },
  };
}

/** The same number of due orders in each example shop. What is owed to shared rows is given within the time. */
export async function measureShops(bench: Bench): Promise<Section> {
  const { rounds, backlog } = bench.sizes;
  const costs = new Map(EXAMPLES.map((example) => [example, [] as Cost[]]));
  const refunds = new Map<string, number>();
  for (let round = 1; round <= rounds; round += 1) {
    for (const [example, measured] of costs) {
      const shop = await bench.shop(example.replace('-', '_'), example);
      await shop.refill(backlog, DUE_ONLY);
      measured.push(await costOf(bench.admin, shop.db, () => sweepAll(shop.db)));
      const [left] = await select<{ owed: number; refunds: number }>(
        shop.db,
        'SELECT (SELECT COUNT(*) FROM order_timeout_owed) AS owed, (SELECT COUNT(*) FROM order_timeout_refund) AS refunds',
      );
      if (left?.owed !== 0) throw new Error(`${example}: ${left?.owed} refunds are still owed`);
      refunds.set(example, left.refunds);
      bench.progress(
        `shops: ${example}: ${Math.round((backlog / (measured.at(-1)?.wall ?? NaN)) * 1000)}/s`,
      );
    }
  }
  return {
    title: `Three shops, ${backlog} orders due in each`,
    head: ['', 'refunds', 'orders/s', 'CPU ms per 1,000 orders'],
    rows: [...costs].map(([example, measured]) => [
      example,
      refunds.get(example) ?? 0,
      (backlog / median(measured.map(({ wall }) => wall))) * 1000,
      (median(measured.map(({ cpu }) => cpu)) / backlog) * 1000,
    ]),
    notes: [
      'litemall and mall give stock back too, in small transactions after the cancellations.',
    ],
    ratios: [],
  };
}
