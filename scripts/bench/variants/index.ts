import type { Connection } from 'mysql2/promise';
import { select } from '../server';
import type { BenchShop } from '../shop';
import { cancelInApplication } from './application-loop';

/** A way to cancel all that is due in a shop. */
export interface Variant {
  readonly name: VariantName;
  readonly label: string;
  /** Before the time counts: procedures, and for the floor what it is to write. */
  prepare(shop: BenchShop): Promise<void>;
  /** Cancels all that is due. */
  run(db: Connection): Promise<void>;
}

export type VariantName = 'application' | 'cursor' | 'engine' | 'floor';

const nothing = () => Promise.resolve();

export const VARIANTS: Readonly<Record<VariantName, Variant>> = {
  application: {
    name: 'application',
    label: 'a loop in the application, statement by statement',
    prepare: nothing,
    run: async (db) => {
      await cancelInApplication(db);
    },
  },
  cursor: {
    name: 'cursor',
    label: 'a procedure with a cursor, one transaction per order',
    prepare: (shop) => shop.run('cursor.sql'),
    run: async (db) => {
      await db.query('CALL bench_cancel_by_cursor()');
    },
  },
  engine: {
    name: 'engine',
    label: 'this engine, cancel_expired_orders()',
    prepare: nothing,
    run: (db) => sweepAll(db),
  },
  floor: {
    name: 'floor',
    label: 'the floor: the same rows written, nothing checked',
    prepare: (shop) => shop.run('floor.sql'),
    run: async (db) => {
      await db.query('CALL bench_write_all()');
    },
  },
};

interface SweepRow {
  readonly outcome: string;
  readonly cancelled: number;
  readonly failed: number;
}

/** Calls the sweep until nothing is left: each call has a time budget. Throws an Error when an order fails. */
export async function sweepAll(db: Connection): Promise<void> {
  for (;;) {
    const row = await sweep(db);
    if (row.failed > 0) throw new Error(`${row.failed} orders failed, see order_timeout_failure`);
    if (row.outcome === 'completed') return;
    if (row.outcome !== 'out_of_time') {
      throw new Error(`The sweep must complete or run out of time, but was ${row.outcome}`);
    }
  }
}

export async function sweep(db: Connection): Promise<SweepRow> {
  const [row] = (await select<SweepRow[]>(db, 'CALL cancel_expired_orders()'))[0] ?? [];
  if (row === undefined) throw new Error('cancel_expired_orders() returned no row');
  return row;
}
