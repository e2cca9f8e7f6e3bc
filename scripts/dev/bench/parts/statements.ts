import { type Bench, DUE_ONLY, sweepAll } from '../shop';
import { select } from '../measure';
import type { Section } from '../section';

interface StatementEvent {
  readonly id: number;
  readonly endId: number;
  readonly routine: string;
  readonly text: string;
  readonly ms: string;
  readonly cpu: string;
  readonly written: number;
}

/** All executions of a statement, without those inside it. */
interface Statement {
  readonly routine: string;
  readonly text: string;
  executions: number;
  ms: number;
  cpu: number;
  written: number;
}

const HISTORY = 'events_statements_history_long';

/** Where the time of a sweep goes, as performance_schema saw it: each statement without the ones inside it. */
export async function measureStatements(bench: Bench): Promise<Section> {
  const { admin, sizes } = bench;
  const { db, refill } = await bench.shop('engine');
  await refill(sizes.backlog, DUE_ONLY);
  const keep = (enabled: string) =>
    admin.query('UPDATE performance_schema.setup_consumers SET enabled = ? WHERE name = ?', [
      enabled,
      HISTORY,
    ]);
  await admin.query(`TRUNCATE TABLE performance_schema.${HISTORY}`);
  await keep('YES');
  await sweepAll(db);
  await keep('NO');

  const [kept] = await select<{ seen: number; most: number }>(
    db,
    `SELECT COUNT(*) AS seen, @@performance_schema_events_statements_history_long_size AS most FROM performance_schema.${HISTORY}`,
  );
  if (kept === undefined || kept.seen >= kept.most)
    throw new Error(`performance_schema keeps ${kept?.most} statements: watch fewer orders`);
  const events = await select<StatementEvent>(
    db,
    `SELECT event_id AS id, end_event_id AS endId, COALESCE(object_name, '') AS routine,
            IF(event_name = 'statement/sp/stmt', LEFT(REGEXP_REPLACE(sql_text, '[[:space:]]+', ' '), 200), event_name) AS text,
            timer_wait / 1e9 AS ms, cpu_time / 1e9 AS cpu, rows_affected AS written
       FROM performance_schema.${HISTORY} WHERE thread_id = PS_CURRENT_THREAD_ID() ORDER BY event_id`,
  );
  const rows = addUp(events);
  const total = rows.reduce((sum, { ms }) => sum + ms, 0);
  const cpu = rows.reduce((sum, row) => sum + row.cpu, 0);
  const large = rows.filter((row) => row.cpu >= cpu / 500);
  const rest = (of: 'ms' | 'cpu', all: number) =>
    all - large.reduce((sum, row) => sum + row[of], 0);
  return {
    title: `Where the time of a sweep of ${sizes.backlog} orders goes: ${Math.round(total)} ms, CPU ${Math.round(cpu)} ms, watched`,
    head: ['routine', 'statement', 'times', 'ms', 'CPU ms', 'CPU share', 'written per order'],
    rows: [
      ...large.map(({ routine, text, executions, ms, cpu: used, written }) => [
        routine.replace('order_timeout_', ''),
        text.slice(0, 60),
        executions,
        ms,
        used,
        `${((used / cpu) * 100).toFixed(1)} %`,
        written / sizes.backlog,
      ]),
      ['', 'all others', rows.length - large.length, rest('ms', total), rest('cpu', cpu), '', ''],
    ],
    ratios: [],
  };
}

/** What lies inside an event's interval is its time too; here each counts its own alone. */
function addUp(events: readonly StatementEvent[]): Statement[] {
  const statements = new Map<string, Statement>();
  const around: { endId: number; statement: Statement }[] = [];
  for (const { id, endId, routine, text, ms, cpu, written } of events) {
    while ((around.at(-1)?.endId ?? Infinity) < id) around.pop();
    const outer = around.at(-1)?.statement;
    if (outer !== undefined) {
      outer.ms -= Number(ms);
      outer.cpu -= Number(cpu);
    }
    const key = `${routine} ${text}`;
    const statement = statements.get(key) ?? {
      routine,
      text,
      executions: 0,
      ms: 0,
      cpu: 0,
      written: 0,
    };
    statement.executions += 1;
    statement.ms += Number(ms);
    statement.cpu += Number(cpu);
    statement.written += written;
    statements.set(key, statement);
    around.push({ endId, statement });
  }
  return [...statements.values()].sort((one, other) => other.cpu - one.cpu);
}
