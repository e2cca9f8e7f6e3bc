export * from './client/orders';
export * from './client/operations';
export * from './client/feed';
export type { Id } from './client/arguments';
export type { CallOptions } from './client/call';
export type { Whole } from './client/columns';
export type {
  Database,
  DatabaseConnection,
  DatabasePool,
  PooledConnection,
  QueryOptions,
} from './client/database';
export {
  OrderTimeoutError,
  type OrderTimeoutErrorCode,
  OutcomeUnknownError,
} from './client/errors';
export type { ShopClock } from './client/shop-time';
