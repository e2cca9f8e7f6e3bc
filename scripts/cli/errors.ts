import { DeploymentLocked, Refusal, StepFailed } from '../deploy';
import { OrderTimeoutError } from '../index';

/** What the commands end with. */
export const EXIT = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  /** What was looked at is not as it should be. */
  differs: 3,
  /** Another deployment of the same database is under way. */
  locked: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command was given something that can't be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What an error means to whoever typed the command: what is wrong and what to do, no stack. */
export function explain(error: unknown): { message: string; exitCode: ExitCode } {
  const isInvalid = error instanceof OrderTimeoutError && error.code.startsWith('INVALID_');
  if (error instanceof UsageError || isInvalid)
    return { message: error.message, exitCode: EXIT.wrongUsage };
  if (error instanceof DeploymentLocked) return { message: error.message, exitCode: EXIT.locked };
  if (error instanceof Refusal) return { message: error.message, exitCode: EXIT.failed };
  const message =
    error instanceof StepFailed
      ? `${error.message}\n${withAdvice(error.cause) ?? ''}`.trimEnd()
      : (withAdvice(error) ?? (error instanceof Error ? error.message : String(error)));
  return { message, exitCode: EXIT.failed };
}

/** The message and what to do, for errors of the server and of the way to it that have an advice. */
function withAdvice(error: unknown): string | undefined {
  const found = (error ?? {}) as Partial<NodeJS.ErrnoException> & { fatal?: boolean };
  const { errno, message = '', fatal } = found;
  // mysql2's own error of a connection that is gone has no code.
  const { code = fatal === true ? 'PROTOCOL_CONNECTION_LOST' : '' } = found;
  const advice = (errno === undefined ? undefined : SERVER_ERRORS[errno]) ?? NETWORK_ERRORS[code];
  return advice === undefined ? undefined : `${message || code}. ${advice}`;
}

const LACKS_PRIVILEGE = 'This account lacks that privilege: GRANT it, or use another account';
const LACKS_OBJECT =
  'Is order-timeout deployed in this database, and whole? order-timeout doctor says what is missing';

const SERVER_ERRORS: Readonly<Record<number, string>> = {
  1040: 'The server has no connection left: try again, or raise max_connections',
  1044: 'This account may not use that database: GRANT the privileges on it, or use another account',
  1045: 'Is the user or the password wrong? The password comes from --password-file, the URL or MYSQL_PWD',
  1049: 'There is no such database on this server: look at the end of the URL',
  1129: 'The server has blocked this host after failed connections: TRUNCATE TABLE performance_schema.host_cache there',
  1142: LACKS_PRIVILEGE,
  1143: LACKS_PRIVILEGE,
  1227: LACKS_PRIVILEGE,
  1146: LACKS_OBJECT,
  1205: 'Somebody holds a lock on it: try again when that transaction has ended',
  1290: 'The server takes no writes in its present state: connect to the primary',
  1305: 'order-timeout is not deployed in this database: order-timeout up',
  1356: LACKS_OBJECT,
  1370: 'This account lacks EXECUTE on that procedure: GRANT it, or use another account',
  1449: LACKS_OBJECT,
  1698: 'The server wants another way of authentication for this user: use another account',
  1836: 'The server is read-only: connect to the primary',
  3159: 'The server wants TLS: add --ssl-mode required, or better verify-identity with --ssl-ca',
  4006: 'Objects of a database run as that account, which is gone: order-timeout doctor --fix with an account that has ALLOW_NONEXISTENT_DEFINER',
  4031: 'The server has closed the connection for being idle: run the command again',
};

const NO_ROUTE = 'There is no way to that host: look at the network';
const CUT =
  'The connection was lost: what was under way may or may not be done; run the command again';

const NETWORK_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'No server listens there: is it running, and are host and port right?',
  ENOTFOUND: 'There is no host of that name: look at the URL',
  EAI_AGAIN: 'The name of the host can not be looked up just now: look at the network',
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ETIMEDOUT:
    'The server does not answer: are host and port right, and does a firewall let us through?',
  ECONNRESET: CUT,
  PROTOCOL_CONNECTION_LOST: CUT,
  HANDSHAKE_NO_SSL_SUPPORT:
    'The server has no TLS: use --ssl-mode disabled if the way to it is safe',
  HANDSHAKE_SSL_ERROR: 'TLS failed: look at --ssl-mode and --ssl-ca',
  ENOENT: 'There is no such socket: is the server running?',
};
