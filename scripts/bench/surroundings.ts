import { cpus, totalmem } from 'node:os';
import { type BenchServer, select } from './server';

/** What the numbers depend on. */
export interface Surroundings {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly node: string;
  readonly server: string;
  readonly settings: Readonly<Record<string, string>>;
}

const SETTINGS = [
  'version',
  'innodb_flush_log_at_trx_commit',
  'sync_binlog',
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'innodb_doublewrite',
  'innodb_flush_method',
  'innodb_buffer_pool_size',
  'innodb_redo_log_capacity',
  'transaction_isolation',
];

export async function describeSurroundings(server: BenchServer): Promise<Surroundings> {
  const rows = await select<{ name: string; value: string }>(
    server.admin,
    `SELECT variable_name AS name, variable_value AS value
       FROM performance_schema.global_variables WHERE variable_name IN ('${SETTINGS.join("','")}')`,
  );
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    server: server.description,
    settings: Object.fromEntries(
      SETTINGS.flatMap((name) => {
        const value = values.get(name);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
  };
}
