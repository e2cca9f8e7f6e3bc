export { type AuditOptions, auditMissingRefunds } from './client/audit-missing-refunds';
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
export { explainOrderTimeout, type Explanation } from './client/explain-order-timeout';
export {
  holdOrder,
  type HoldOrderOptions,
  type HoldOrderOutcome,
  type HoldOrderResult,
} from './client/hold-order';
export {
  type Health,
  type HealthCheck,
  type HealthStatus,
  orderTimeoutHealth,
} from './client/order-timeout-health';
export { type LastHour, type Numbers, orderTimeoutNumbers } from './client/order-timeout-numbers';
export {
  type ExpiredOrder,
  previewExpiredOrders,
  type PreviewOptions,
} from './client/preview-expired-orders';
export {
  type FeedPlace,
  type ReadCancellation,
  readCancellations,
  type ReadCancellationsOptions,
} from './client/read-cancellations';
export {
  releaseOrderHold,
  type ReleaseOrderHoldOutcome,
  type ReleaseOrderHoldResult,
} from './client/release-order-hold';
export { type RepairedRefund, repairMissingRefund } from './client/repair-missing-refund';
export {
  retryFailedOrder,
  type RetryFailedOrderOutcome,
  type RetryFailedOrderResult,
} from './client/retry-failed-order';
export type { MissingRefund } from './client/missing-refund';
export type { CallOptions } from './client/call';
export type { Database } from './client/database';
export {
  OrderTimeoutError,
  type OrderTimeoutErrorCode,
  OutcomeUnknownError,
} from './client/errors';
export type { Id } from './client/ids';
