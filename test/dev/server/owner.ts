// A process that starts a server, says where it is, and then waits or fails: for server.test.ts.
import { startPrivateMysqld } from '../../../scripts/dev/server';

async function own(): Promise<void> {
  const { pid, dataDir } = await startPrivateMysqld();
  process.send?.({ pid, dataDir });
  process.once('message', () => {
    throw new Error('an error that nobody catches');
  });
}

void own();
