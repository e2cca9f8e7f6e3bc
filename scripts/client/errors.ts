/**
 * - `INVALID_ID` (errno 50001): an id that cannot be one.
 * - `IN_TRANSACTION` (errno 50002): the sweep and the feed run their own transactions, and were called
 *   inside one.
 * - `SETTING_LOST` (errno 50003): order_timeout_setting has lost its row.
 * - `INVALID_ARGUMENT` (errno 50004, or none): another argument that cannot be meant. Nothing was done.
 * - `READER_BUSY` (errno 50005): another reader of the feed did not end within 10 seconds. Call again.
 * - `UNEXPECTED_RESULT`: the database answers in a way that this version does not know.
 * - `OUTCOME_UNKNOWN`: see `OutcomeUnknownError`.
 */
export type OrderTimeoutErrorCode =
  | 'INVALID_ID'
  | 'IN_TRANSACTION'
  | 'SETTING_LOST'
  | 'INVALID_ARGUMENT'
  | 'READER_BUSY'
  | 'UNEXPECTED_RESULT'
  | 'OUTCOME_UNKNOWN';

/** An error of the order timeout itself. Errors of MySQL, such as a missing privilege, come unchanged. */
export class OrderTimeoutError extends Error {
  override readonly name: string = 'OrderTimeoutError';
  readonly code: OrderTimeoutErrorCode;
  /** MySQL's error number, where the database raised it. */
  readonly errno: number | undefined;

  constructor(
    code: OrderTimeoutErrorCode,
    message: string,
    options?: ErrorOptions & { errno?: number },
  ) {
    super(message, options);
    this.code = code;
    this.errno = options?.errno;
  }
}

/**
 * The connection was lost, the time was up or the query was killed while the call was under way: it
 * may have been done, or not. Call again: nothing is cancelled or given back twice, and an order that
 * the lost call did cancel answers `not_pending`.
 */
export class OutcomeUnknownError extends OrderTimeoutError {
  override readonly name = 'OutcomeUnknownError';

  constructor(cause: Error) {
    super(
      'OUTCOME_UNKNOWN',
      `The call was cut short, and may have been done or not (${cause.message}). ` +
        'Call again: nothing is given back twice. Roll back or drop a connection of your own first.',
      { cause },
    );
  }
}

const SIGNALLED: Readonly<Record<number, OrderTimeoutErrorCode>> = {
  50001: 'INVALID_ID',
  50002: 'IN_TRANSACTION',
  50003: 'SETTING_LOST',
  50004: 'INVALID_ARGUMENT',
  50005: 'READER_BUSY',
};

/** The query or its session was killed, the server shuts down, or COMMIT itself failed. */
const CUT_SHORT = new Set([1317, 1053, 3169, 1180]);

/** MySQL's word for an UPDATE of several tables that was killed: 1105, an unknown error. */
const isKilledUpdate = ({ errno, message }: MysqlError): boolean =>
  errno === 1105 && message.includes('multi-table update');

/** What mysql2 rejects with. */
interface MysqlError extends Error {
  readonly errno?: number;
  readonly sqlState?: string;
  readonly fatal?: boolean;
}

/** The server's own answer, as opposed to a lost connection or a timeout; undefined otherwise. */
export function serverErrno(error: unknown): number | undefined {
  const { errno, sqlState, fatal } = error as MysqlError;
  return typeof sqlState === 'string' && fatal !== true ? errno : undefined;
}

/** An error of a CALL as its caller gets it. */
export function translated(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof OrderTimeoutError) return error;
  const errno = serverErrno(error);
  if (errno === undefined || CUT_SHORT.has(errno) || isKilledUpdate(error)) {
    return new OutcomeUnknownError(error);
  }
  const code = SIGNALLED[errno];
  return code === undefined
    ? error
    : new OrderTimeoutError(code, error.message, { cause: error, errno });
}

/** Our own SIGNALs come before any work, or after its rollback: no transaction is left. */
export function leavesNothingOpen(error: unknown): boolean {
  return error instanceof OrderTimeoutError && error.errno !== undefined;
}
