import {
  type Health,
  type HealthStatus,
  orderTimeoutHealth,
} from '../../client/order-timeout-health';
import type { Colors, Context } from '../context';
import { databaseCommand } from '../database-options';
import { EXIT } from '../exit-codes';
import { toJson } from '../output';
import { withConnection } from '../with-connection';

export function healthCommand(context: Context) {
  return databaseCommand('health')
    .description(
      'Say whether the order timeout is at work, with an account that may do nothing but ask (EXECUTE); ' +
        '"doctor" sees more. Ends with 3 when something fails.',
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout health --url mysql://monitor@db.example.com/shop',
    )
    .action(async (options) => {
      const health = await withConnection(options, context, (db) => orderTimeoutHealth(db));
      context.out(options.json === true ? toJson(health) : describeHealth(health, context.colors));
      if (health.status === 'fail') context.end(EXIT.differs);
    });
}

export function describeHealth({ checks }: Health, colors: Colors): string {
  const paint: Record<HealthStatus, (text: string) => string> = {
    ok: colors.green,
    warn: colors.yellow,
    fail: colors.red,
  };
  const width = Math.max(0, ...checks.map(({ checkName }) => checkName.length));
  return checks
    .map(
      ({ checkName, status, detail }) =>
        `${paint[status](status.padEnd(4))}  ${checkName.padEnd(width)}  ${detail}`,
    )
    .join('\n');
}
