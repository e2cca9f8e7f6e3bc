export {
  cancelExpiredOrder,
  type CancelExpiredOrderOutcome,
  type CancelExpiredOrderResult,
} from './client/cancel-expired-order';
export {
  cancelExpiredOrders,
  type CancelExpiredOrdersOutcome,
  type CancelExpiredOrdersResult,
} from './client/cancel-expired-orders';
export {
  cancelOrder,
  type CancelledBy,
  type CancelOrderOptions,
  type CancelOrderOutcome,
  type CancelOrderResult,
} from './client/cancel-order';
export type { CallOptions } from './client/call';
export type { Database } from './client/database';
export {
  OrderTimeoutError,
  type OrderTimeoutErrorCode,
  OutcomeUnknownError,
} from './client/errors';
export type { Id } from './client/ids';
