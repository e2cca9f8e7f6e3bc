// Run by the watchdog of one-server.ts when a test run on somebody's server has ended, however it ended.
import { dropLeftovers } from './run';

void dropLeftovers(process.env.MYSQL_URL ?? '');
