import { orderTimeoutNumbers } from '../../client/order-timeout-numbers';
import { toPrometheus } from '../../metrics/to-prometheus';
import type { Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';
import { writeWhole } from '../write-whole';
import { withConnection } from '../with-connection';

export function metricsCommand(context: Context) {
  return databaseCommand('metrics')
    .description(
      "Print the sweep's state in Prometheus' text format, with an account that may only ask " +
        '(EXECUTE on order_timeout_numbers).',
    )
    .option(
      '--out <file>',
      "write to a file, all at once, as node_exporter's textfile collector wants it",
    )
    .addHelpText(
      'after',
      '\nExample, every minute by cron:\n  $ order-timeout metrics --url mysql://monitor@db.example.com/shop ' +
        '--out /var/lib/prometheus/node-exporter/order_timeout.prom',
    )
    .action(async ({ out, ...options }) => {
      const numbers = await withConnection(options, context, (db) => orderTimeoutNumbers(db));
      const { database = '' } = connectionOptions(options, context);
      const text = await toPrometheus(numbers, database);
      if (out === undefined) context.out(text.trimEnd());
      else await writeWhole(out, text);
    });
}
