import { cpus, totalmem } from 'node:os';
import Table from 'cli-table3';
import pc from 'picocolors';
import { select } from './measure';
import type { Ratio, Section } from './section';
import type { Bench } from './shop';

export interface Report {
  readonly startedAt: string;
  readonly durationSeconds: number;
  /** What the numbers depend on. */
  readonly surroundings: Readonly<Record<string, string>>;
  readonly sections: readonly Section[];
}

const SETTINGS = [
  'version',
  'innodb_flush_log_at_trx_commit',
  'sync_binlog',
  'log_bin',
  'binlog_row_image',
  'innodb_doublewrite',
  'innodb_buffer_pool_size',
  'innodb_redo_log_capacity',
];

export async function describeSurroundings(bench: Bench): Promise<Record<string, string>> {
  const settings = await select<{ name: string; value: string }>(
    bench.admin,
    'SELECT variable_name AS name, variable_value AS value FROM performance_schema.global_variables WHERE variable_name IN (?)',
    [SETTINGS],
  );
  return {
    server: bench.server,
    cpu: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    ...Object.fromEntries(settings.map(({ name, value }) => [name, value])),
  };
}

export const ratiosOf = ({ sections }: Report): Ratio[] => sections.flatMap(({ ratios }) => ratios);

/** Three figures: 12,345 as it is, 27.4, 0.71. */
export function figures(value: number): string {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en', { maximumFractionDigits: 6 });
}

const text = (cell: string | number) => (typeof cell === 'number' ? figures(cell) : cell);

type Shown = Pick<Section, 'title' | 'head' | 'rows' | 'notes'>;

/** What must be reached, as a table. `judged`: what is said of each. */
const ratioTable = (report: Report, title: string, judged: (ratio: Ratio) => string[]): Shown => ({
  title,
  head: ['', 'measured', 'must be'],
  rows: ratiosOf(report).map((ratio) => [
    ratio.name,
    `${figures(ratio.value)} ${ratio.unit}`,
    `${ratio.direction} ${ratio.limit}`,
    ...judged(ratio),
  ]),
});

const COLOURS = { reached: pc.green, missed: pc.yellow, 'missed by far': pc.red };

/** The whole report for a terminal. */
export function toTables(report: Report): string {
  const ratios = ratioTable(report, 'Ratios', ({ verdict }) => [COLOURS[verdict](verdict)]);
  return [
    Object.entries(report.surroundings)
      .map(([name, value]) => `${name}: ${value}`)
      .join('; '),
    `${report.startedAt}, ${report.durationSeconds} seconds`,
    ...[...report.sections, ratios].flatMap(({ title, head, rows, notes = [] }) => {
      const table = new Table({
        head: [...head],
        style: { head: [], border: [] },
        colAligns: head.map((_, nth) => (typeof rows[0]?.[nth] === 'number' ? 'right' : 'left')),
      });
      for (const row of rows) table.push(row.map(text));
      return ['', pc.bold(title), table.toString(), ...notes];
    }),
  ].join('\n');
}

const MARKS = /(<!-- bench: written by npm run bench -->\n)[^]*?(<!-- end -->)/;

/** docs/performance.md with the tables of this run between its marks. */
export function intoPage(page: string, report: Report): string {
  if (!MARKS.test(page)) throw new Error('docs/performance.md has no place for the tables');
  const ratios = ratioTable(report, 'What must be reached', () => []);
  const { server = '', cpu = '', memory = '' } = report.surroundings;
  const lines = [
    `${report.startedAt.slice(0, 10)}, ${server}, ${cpu}, ${memory}; durability as MySQL ships it.`,
    ...[ratios, ...report.sections].flatMap(({ title, head, rows, notes = [] }) => [
      '',
      `**${title}**`,
      '',
      ...[head, head.map(() => '---'), ...rows].map(
        (row) => `| ${row.map((cell) => text(cell).replaceAll('|', '\\|')).join(' | ')} |`,
      ),
      ...(notes.length > 0 ? ['', ...notes] : []),
    ]),
  ];
  return page.replace(
    MARKS,
    (_, start: string, end: string) => `${start}\n${lines.join('\n')}\n\n${end}`,
  );
}
