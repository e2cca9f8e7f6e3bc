import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError } from '@commander-js/extra-typings';
import { type ConnectionOptions, createConnection } from 'mysql2/promise';
import { errnoOf } from '../../migrate/errors';
import type { Context } from '../context';
import { connectionOptions, databaseCommand } from '../database-options';

const PAUSE_MS = 250;
const UNKNOWN_DATABASE = 1049;
/** Waiting longer mends neither a wrong password nor a missing privilege. */
const FINAL = [1044, 1045, 3159];

export function waitCommand(context: Context) {
  return databaseCommand('wait')
    .description('Wait until the server answers.')
    .option('--timeout <seconds>', 'give up after so long', parseSeconds, 60)
    .addHelpText(
      'after',
      '\nExample:\n  $ order-timeout wait --url mysql://dba@db.example.com/shop --timeout 120',
    )
    .action(async (options) => {
      const target = connectionOptions(options, context, { needsDatabase: false });
      const version = await waitForServer(target, options.timeout);
      context.out(`MySQL ${version} answers.`);
    });
}

async function waitForServer(target: ConnectionOptions, seconds: number): Promise<string> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await askVersion(target);
    } catch (error) {
      const errno = errnoOf(error) ?? 0;
      if (errno === UNKNOWN_DATABASE) {
        // It may be yet to be made: the server answers all the same.
        return askVersion({ ...target, database: '' });
      }
      if (FINAL.includes(errno) || performance.now() + PAUSE_MS > deadline) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

async function askVersion(target: ConnectionOptions): Promise<string> {
  const db = await createConnection({ ...target, connectTimeout: 2000 });
  try {
    const [rows] = await db.query('SELECT VERSION() AS version');
    return (rows as { version: string }[])[0]?.version ?? '';
  } finally {
    db.destroy();
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && Number.isFinite(seconds)) return seconds;
  throw new InvalidArgumentError('Expected a number of seconds.');
}
