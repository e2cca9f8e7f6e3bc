import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from '../bench';
import { median } from '../statistics';

/** Medians, in milliseconds. */
export interface CommitLatency {
  /** A transaction of one row, as an application sees it. */
  readonly commitMs: number;
  /** A statement that does nothing. */
  readonly roundTripMs: number;
  /** 4 KiB written and synced to the disk's temporary folder, without MySQL. */
  readonly syncMs: number;
}

const TIMES = 100;

export async function measureCommitLatency(bench: Bench): Promise<CommitLatency> {
  const { db } = await bench.shop('order_by_order');
  await db.query('CREATE TABLE IF NOT EXISTS bench_commit (id INT AUTO_INCREMENT PRIMARY KEY)');
  const measured = {
    commitMs: await medianTime(() => db.query('INSERT INTO bench_commit () VALUES ()')),
    roundTripMs: await medianTime(() => db.query('DO 1')),
    syncMs: await syncTime(),
  };
  const { commitMs, roundTripMs, syncMs } = measured;
  bench.progress(
    `a commit takes ${commitMs.toFixed(2)} ms, a round trip ${roundTripMs.toFixed(2)} ms, a sync ${syncMs.toFixed(2)} ms`,
  );
  return measured;
}

async function syncTime(): Promise<number> {
  const path = join(tmpdir(), `order-timeout-bench-${process.pid}`);
  const file = await open(path, 'w');
  try {
    const block = Buffer.alloc(4096, 1);
    return await medianTime(async () => {
      await file.write(block);
      await file.datasync();
    });
  } finally {
    await file.close();
    await rm(path);
  }
}

async function medianTime(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}
