/**
 * - `INVALID_ID` (errno 50001): an id that cannot be one.
 * - `IN_TRANSACTION` (50002): the sweep and the feed run their own transactions, and were called inside one.
 * - `SETTING_LOST` (50003): order_timeout_setting has lost its row.
 * - `INVALID_NUMBER` (50004): a number out of its range, or a place that no feed has given yet.
 * - `FEED_BUSY` (50005): another reader of the feed did not end within 10 seconds. Call again.
 * - `CLOCK_CHANGED` (50006): the setting's clock is not the one that was deployed: order-timeout up.
 * - `INVALID_TEXT` (50007): a payment's reference that is missing or too long.
 * - `INVALID_LIST` (50008): no list of at most 1,000 ids.
 * - `ROW_GONE` (50009): a row that was to get something back went meanwhile; nothing is done. Call again.
 * - `STATUS_UNCHANGED` (50010): what is set does not make an order cancelled, or paid, as by a trigger; nothing is done.
 * - `INVALID_ARGUMENT`: another argument that cannot be meant, told before anything was sent.
 * - `UNEXPECTED_RESULT`: the database answers in a way that this version does not know.
 * - `OUTCOME_UNKNOWN`: see `OutcomeUnknownError`.
 */
export type OrderTimeoutErrorCode = OrderTimeoutError['code'];

const SIGNALLED = {
  50001: 'INVALID_ID',
  50002: 'IN_TRANSACTION',
  50003: 'SETTING_LOST',
  50004: 'INVALID_NUMBER',
  50005: 'FEED_BUSY',
  50006: 'CLOCK_CHANGED',
  50007: 'INVALID_TEXT',
  50008: 'INVALID_LIST',
  50009: 'ROW_GONE',
  50010: 'STATUS_UNCHANGED',
} as const;

type PlainCode =
  (typeof SIGNALLED)[keyof typeof SIGNALLED] | 'INVALID_ARGUMENT' | 'UNEXPECTED_RESULT';

class CodedError extends Error {
  override readonly name: string = 'OrderTimeoutError';

  constructor(
    readonly code: PlainCode | 'OUTCOME_UNKNOWN',
    message: string,
    options: ErrorOptions = {},
    /** MySQL's number of it; undefined: it was found before the call, or after it. */
    readonly errno?: number,
  ) {
    super(message, options);
  }
}

/**
 * The connection was lost, the time was up or the query was killed while the call was under way: it
 * may have been done, or not. Call again: nothing is cancelled or given back twice, and an order that
 * the lost call did cancel answers `not_pending`, with what came back. A pool has dropped the
 * connection; one of your own: drop it, as it may still be waiting for the answer.
 */
export class OutcomeUnknownError extends CodedError {
  override readonly name = 'OutcomeUnknownError';
  declare readonly code: 'OUTCOME_UNKNOWN';
  declare readonly errno: undefined;
  /** What mysql2 said. */
  declare readonly cause: Error;

  constructor(cause: Error) {
    super(
      'OUTCOME_UNKNOWN',
      `The call was cut short, and may have been done or not (${cause.message}). ` +
        'Call again: nothing is given back twice. A connection of your own: drop it first.',
      { cause },
    );
  }
}

/** An error of order-timeout itself: `code` says which, and narrows. MySQL's own errors come unchanged. */
export type OrderTimeoutError =
  | OutcomeUnknownError
  | {
      [Code in PlainCode]: Error & {
        readonly code: Code;
        /** MySQL's number of it, from 50001; undefined: it was found before the call, or after it. */
        readonly errno: number | undefined;
      };
    }[PlainCode];

/** For `instanceof`. */
export const OrderTimeoutError = CodedError as unknown as {
  new (code: PlainCode, message: string): OrderTimeoutError;
  readonly prototype: OrderTimeoutError;
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
  if (!(error instanceof Error) || error instanceof CodedError) return error;
  const errno = serverErrno(error);
  if (errno === undefined || CUT_SHORT.has(errno) || isKilledUpdate(error)) {
    return new OutcomeUnknownError(error);
  }
  const code = (SIGNALLED as Readonly<Record<number, PlainCode>>)[errno];
  return code === undefined ? error : new CodedError(code, error.message, { cause: error }, errno);
}
