import type { Bench } from '../bench';
import { select } from '../server';
import { VARIANTS } from '../variants';
import { DUE_ONLY } from './throughput';

/** One statement of the sweep, over all its executions. */
export interface StatementTime {
  readonly procedure: string;
  /** Its beginning, white space made one. */
  readonly text: string;
  readonly executions: number;
  readonly ms: number;
  /** Of the whole sweep. */
  readonly share: number;
  readonly rowsWritten: number;
}

export interface StatementsResult {
  readonly orders: number;
  /** Of the whole sweep, which is slower for being watched. */
  readonly ms: number;
  /** In the order in which they first run. */
  readonly statements: readonly StatementTime[];
}

interface HistoryRow {
  readonly procedure: string;
  readonly text: string;
  readonly executions: number;
  readonly ms: number;
  readonly rowsWritten: string;
}

const CONSUMER = 'events_statements_history_long';

/** Where the time of a sweep goes, statement by statement, as performance_schema saw it. */
export async function measureStatements({
  server,
  sizes,
  ...bench
}: Bench): Promise<StatementsResult> {
  const orders = sizes.statementsBacklog;
  const engine = await bench.shop('engine');
  const { db } = engine;
  await engine.refill(orders, DUE_ONLY);
  const { admin } = server;
  const [before] = await select<{ enabled: string }>(
    admin,
    'SELECT enabled FROM performance_schema.setup_consumers WHERE name = ?',
    [CONSUMER],
  );
  const enable = (enabled: string) =>
    admin.query('UPDATE performance_schema.setup_consumers SET enabled = ? WHERE name = ?', [
      enabled,
      CONSUMER,
    ]);

  await admin.query(`TRUNCATE TABLE performance_schema.${CONSUMER}`);
  await enable('YES');
  try {
    await VARIANTS.engine.run(db);
  } finally {
    await enable(before?.enabled ?? 'NO');
  }
  const [whole] = await select<{ ms: number; seen: number; most: number }>(
    db,
    `SELECT SUM(IF(event_name = 'statement/sql/call_procedure', timer_wait, 0)) / 1e9 AS ms,
            COUNT(*) AS seen, @@performance_schema_events_statements_history_long_size AS most
       FROM performance_schema.${CONSUMER} WHERE thread_id = PS_CURRENT_THREAD_ID()`,
  );
  if (whole === undefined || whole.seen >= whole.most) {
    throw new Error(`performance_schema keeps ${whole?.most} statements: watch fewer orders`);
  }
  // A CALL's time is that of the statements in it.
  const rows = await select<HistoryRow>(
    db,
    `SELECT object_name AS 'procedure', LEFT(REGEXP_REPLACE(sql_text, '[[:space:]]+', ' '), 200) AS text,
            COUNT(*) AS executions, SUM(timer_wait) / 1e9 AS ms,
            SUM(rows_affected) AS rowsWritten
       FROM performance_schema.${CONSUMER}
      WHERE thread_id = PS_CURRENT_THREAD_ID()
        AND object_schema = DATABASE() AND event_name = 'statement/sp/stmt' AND sql_text NOT LIKE 'CALL %'
      GROUP BY object_name, text
      ORDER BY MIN(event_id)`,
  );
  const { ms } = whole;
  bench.progress(`statements: a sweep of ${orders} orders took ${Math.round(ms)} ms, watched`);
  return {
    orders,
    ms,
    statements: rows.map((row) => ({
      procedure: row.procedure,
      text: row.text,
      executions: row.executions,
      ms: row.ms,
      share: row.ms / ms,
      rowsWritten: Number(row.rowsWritten),
    })),
  };
}
