import type { TestProject } from 'vitest/node' with { 'resolution-mode': 'import' };
import { join } from 'node:path';
import { type MysqlServer, startServer } from '../../scripts/dev/server';
import { startWatchdog, type Watchdog } from '../../scripts/dev/server/watchdog';
import { dropLeftovers, openRun } from './run';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The MySQL of this test run, without a database. Its user may do everything. */
    mysqlUrl: string;
    /** Marks the names of what this test run makes on the server. */
    runId: string;
  }
}

/** One MySQL for the whole run, and nothing of the run left on it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer({
    log: (line) => process.stdout.write(`${line}\n`),
    // Nobody pulls the plug on a test server: it need not wait for the disk.
    settings: {
      'sync-binlog': '0',
      'innodb-flush-log-at-trx-commit': '2',
      // Deployments of accounts without SUPER create functions.
      'log-bin-trust-function-creators': '1',
    },
  });
  try {
    await dropLeftovers(server.url);
    const watchdog = watch(server);
    const run = await openRun(server.url);
    project.provide('mysqlUrl', server.url);
    project.provide('runId', run.id);

    return async () => {
      await run.close();
      await watchdog?.end();
      await server.stop();
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** A server that outlives an interrupted run has somebody drop what the run left. */
function watch(server: MysqlServer): Watchdog | undefined {
  if (server.source !== 'given') return undefined;
  const script = join(__dirname, 'drop-leftovers.ts');
  return startWatchdog({
    lastly: [process.execPath, '-r', require.resolve('ts-node/register'), script],
  });
}
