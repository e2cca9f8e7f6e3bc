import { DeploymentLocked, Refusal, StepFailed } from '../migrate';
import { EXIT, type ExitCode, UsageError } from './exit-codes';

export interface Explanation {
  /** For people: what is wrong and what to do, no stack. */
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** What an error means to whoever typed the command. */
export function explain(error: unknown): Explanation {
  if (error instanceof UsageError) return { message: error.message, exitCode: EXIT.wrongUsage };
  if (error instanceof DeploymentLocked) return { message: error.message, exitCode: EXIT.locked };
  if (error instanceof Refusal) {
    return { message: error.findings.join('\n'), exitCode: EXIT.failed };
  }
  if (error instanceof StepFailed) {
    return {
      message: `${error.message}\n${explainMysql(error.cause) ?? ''}`.trimEnd(),
      exitCode: EXIT.failed,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message: explainMysql(error) ?? message, exitCode: EXIT.failed };
}

interface MysqlError {
  readonly code?: string;
  readonly errno?: number;
  readonly message?: string;
  readonly cause?: unknown;
}

/** One line and what to do, for errors of the server and of the way to it. */
function explainMysql(error: unknown): string | undefined {
  const { code = '', errno, message = '' } = (error ?? {}) as MysqlError;
  const advice = (errno === undefined ? undefined : SERVER_ERRORS[errno]) ?? NETWORK_ERRORS[code];
  if (errno === CHECK_VIOLATED) return explainCheck(message);
  return advice === undefined ? undefined : `${message || code}. ${advice}`;
}

const SERVER_ERRORS: Readonly<Record<number, string>> = {
  1040: 'The server has no connection left: try again, or raise max_connections',
  1044: 'This account may not use that database: GRANT the privileges on it, or use another account',
  1045: 'Is the user or the password wrong? The password comes from --password-file, the URL or MYSQL_PWD',
  1049: 'There is no such database on this server: look at the end of the URL',
  1129: 'The server has blocked this host after failed connections: TRUNCATE TABLE performance_schema.host_cache there',
  1142: 'This account lacks that privilege: GRANT it, or use another account',
  1143: 'This account lacks that privilege: GRANT it, or use another account',
  1227: 'This account lacks that privilege: GRANT it, or use another account',
  1205: 'Somebody holds a lock on it: try again when that transaction has ended',
  1290: 'The server takes no writes in its present state: connect to the primary',
  1305: 'order-timeout is not deployed in this database: order-timeout up',
  1370: 'This account lacks EXECUTE on that procedure: GRANT it, or use another account',
  1698: 'The server wants another way of authentication for this user: use another account',
  1836: 'The server is read-only: connect to the primary',
  3159: 'The server wants TLS: add --ssl-mode required, or better verify-identity with --ssl-ca',
  4031: 'The server has closed the connection for being idle: run the command again',
};

const NETWORK_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'No server listens there: is it running, and are host and port right?',
  ENOTFOUND: 'There is no host of that name: look at the URL',
  EAI_AGAIN: 'The name of the host can not be looked up just now: look at the network',
  EHOSTUNREACH: 'There is no way to that host: look at the network',
  ENETUNREACH: 'There is no way to that host: look at the network',
  ETIMEDOUT:
    'The server does not answer: are host and port right, and does a firewall let us through?',
  ECONNRESET:
    'The connection was cut: what was under way may or may not be done; run the command again',
  PROTOCOL_CONNECTION_LOST:
    'The connection was lost: what was under way may or may not be done; run the command again',
  HANDSHAKE_NO_SSL_SUPPORT:
    'The server has no TLS: use --ssl-mode disabled if the way to it is safe',
  HANDSHAKE_SSL_ERROR: 'TLS failed: look at --ssl-mode and --ssl-ca',
  ENOENT: 'There is no such socket: is the server running?',
};

const CHECK_VIOLATED = 3819;

/** The ranges of order_timeout_setting and order_timeout_policy, by CHECK. */
const RANGES: Readonly<Record<string, string>> = {
  order_timeout_setting_default_timeout_minutes: 'default_timeout_minutes must be 1 to 525600',
  order_timeout_setting_batch_size: 'batch_size must be 1 to 10000',
  order_timeout_setting_time_budget_seconds: 'time_budget_seconds must be 1 to 55',
  order_timeout_setting_clock:
    'clock must be a UTC offset in quarters of an hour, -13:45 to +14:00, such as +08:00',
  order_timeout_setting_paused: 'paused must be 0 or 1',
  order_timeout_setting_max_attempts: 'max_attempts must be 1 to 100',
  order_timeout_setting_retention_days: 'retention_days must be 1 to 36500',
  order_timeout_policy_enabled: 'enabled must be 0 or 1',
  order_timeout_policy_timeout_minutes:
    'timeout_minutes must be 1 to 525600, or NULL for the default',
};

function explainCheck(message: string): string {
  const [, name = ''] = /'(\w+)'/.exec(message) ?? [];
  return RANGES[name] ?? message;
}
