export type Source = 'given' | 'container' | 'private';

/** Takes one line for the person who waits. */
export type Log = (line: string) => void;

export interface MysqlServer {
  readonly source: Source;
  /** One line that says which it is: "MySQL 9.7.4, a private mysqld from Debian's packages". */
  readonly description: string;
  /** `mysql://root:…@127.0.0.1:port`, without a database. The user may do everything. */
  readonly url: string;
  /** Stops it and leaves nothing behind. Idempotent; a given server is left alone. */
  stop(): Promise<void>;
}
