import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Command, Option } from '@commander-js/extra-typings';
import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { withSession } from '../deploy/connection';
import { normaliseText } from '../deploy/text';
import type { Context } from './context';
import { UsageError } from './errors';

const SSL_MODES = ['disabled', 'required', 'verify-ca', 'verify-identity'] as const;

/** A command with the options for a database. An example is what follows "order-timeout", without the URL. */
export function databaseCommand(name: string, description: string, ...examples: string[]) {
  const lines = examples.map(
    (example) => `  $ order-timeout ${example} --url mysql://dba@db.example.com/shop`,
  );
  return new Command(name)
    .description(description)
    .option(
      '--url <url>',
      "the shop's database: mysql://user:password@host:3306/shop, with ?socket=/path for a socket (or MYSQL_URL)",
    )
    .option(
      '--password-file <file>',
      'file whose first line is the password (or MYSQL_PWD, or in the URL)',
    )
    .addOption(
      new Option('--ssl-mode <mode>', 'TLS, and what of the server is checked').choices(SSL_MODES),
    )
    .option('--ssl-ca <file>', "certificates that the server's must come from (PEM)")
    .option('--ssl-cert <file>', 'our certificate (PEM)')
    .option('--ssl-key <file>', 'its key (PEM)')
    .addHelpText('after', ['', 'Example:', ...lines].join('\n'));
}

/** What every command that talks to a database understands. */
export type DatabaseOptions = Readonly<ReturnType<ReturnType<typeof databaseCommand>['opts']>>;

/** Connects as the options say, with a session that depends on no default of the server, and lets go. */
export const withConnection = <T>(
  options: DatabaseOptions,
  context: Context,
  work: (db: Connection) => Promise<T>,
) => withSession(connectionOptions(options, context), work);

/**
 * The options as mysql2 takes them: --url over MYSQL_URL; the password from --password-file, the URL or MYSQL_PWD.
 * Throws a UsageError that never has the password in it.
 */
export function connectionOptions(
  options: DatabaseOptions,
  { env }: Pick<Context, 'env'>,
  { needsDatabase = true } = {},
): ConnectionOptions {
  const given = options.url ?? env.MYSQL_URL ?? '';
  if (given === '') {
    throw new UsageError(
      'No database is named. Give --url mysql://user@host:3306/shop, or set MYSQL_URL',
    );
  }
  const { url, user, password: urlPassword, database } = parseUrl(given);
  if (database === '' && needsDatabase) {
    const account = url.username === '' ? '' : `${url.username}@`;
    throw new UsageError(
      `The URL names no database: end it with the shop's, such as mysql://${account}${url.host}/shop`,
    );
  }
  const password =
    options.passwordFile === undefined
      ? urlPassword || (env.MYSQL_PWD ?? '')
      : normaliseText(readOption('--password-file', options.passwordFile)).split('\n')[0];
  const socketPath = url.searchParams.get('socket');
  return {
    ...(socketPath === null
      ? { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 3306) }
      : { socketPath }),
    user: user || (env.USER ?? 'root'),
    ...(password ? { password } : {}),
    ...(database === '' ? {} : { database }),
    connectTimeout: 10_000,
    ...sslOptions(options),
  };
}

/** A URL and its parts, decoded. What is not encoded as it must be would take a piece of the password for a host. */
function parseUrl(text: string) {
  try {
    const url = new URL(text);
    const database = url.pathname.slice(1);
    const isWhole = url.hostname !== '' && !/[/@]/.test(database) && !/@/.test(url.search);
    if (url.protocol === 'mysql:' && isWhole && url.hash === '') {
      if ([...url.searchParams.keys()].some((name) => /ssl|tls/i.test(name)))
        throw new UsageError('TLS is not asked for in the URL: use --ssl-mode and its like');
      return {
        url,
        user: decodeURIComponent(url.username),
        password: decodeURIComponent(url.password),
        database: decodeURIComponent(database),
      };
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
  }
  // The URL itself is not repeated: it may have the password in it.
  throw new UsageError(
    'The URL is none of MySQL: expected mysql://user:password@host:3306/shop, ' +
      'with characters such as @ : / # % in the password written as %40 %3A %2F %23 %25',
  );
}

function readOption(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${option}: ${(error as Error).message}`);
  }
}

function sslOptions(options: DatabaseOptions): Pick<ConnectionOptions, 'ssl'> {
  const { sslCa, sslCert, sslKey } = options;
  const mode = options.sslMode ?? (sslCa !== undefined ? 'verify-ca' : 'disabled');
  if (mode === 'disabled') {
    if ((sslCa ?? sslCert ?? sslKey) === undefined) return {};
    throw new UsageError(
      '--ssl-ca, --ssl-cert and --ssl-key need an --ssl-mode other than disabled',
    );
  }
  if ((sslCert === undefined) !== (sslKey === undefined))
    throw new UsageError('--ssl-cert and --ssl-key go together: give both');
  const pem = {
    ...(sslCa === undefined ? {} : { ca: readPem('--ssl-ca', sslCa) }),
    ...(sslCert === undefined ? {} : { cert: readPem('--ssl-cert', sslCert) }),
    ...(sslKey === undefined ? {} : { key: readPem('--ssl-key', sslKey) }),
  };
  try {
    createSecureContext(pem);
  } catch (error) {
    throw new UsageError(`--ssl-cert and --ssl-key can't be used: ${(error as Error).message}`);
  }
  return {
    ssl: {
      rejectUnauthorized: mode !== 'required',
      verifyIdentity: mode === 'verify-identity',
      ...pem,
    },
  };
}

/** Node takes a file of certificates without any for none. */
function readPem(option: string, file: string): string {
  const text = readOption(option, file);
  if (text.includes('-----BEGIN ')) return text;
  throw new UsageError(`${option}: expected PEM ("-----BEGIN …"), and ${file} has none`);
}
