export { createShop, openPool, type Shop, type ShopOptions } from './shop';
export { sharedShop, shopOfFile } from './shop-of-file';
export {
  type BuiltOrder,
  coupon,
  couponLedgerRow,
  order,
  type OrderOptions,
  pendingOrder,
  pointsLedgerRow,
  pointsRow,
} from './order';
export { deployEngine } from './deploy';
export { emptyTables } from './empty';
export { changes, changesOf, type State, wholeState } from './state';
export { timestamps, unsignedIds, wholeSeconds } from './schema-variants';
export { isSession, lockWait, sessionEnd, until } from './waits';
export { behind, closeGate, type Gate } from './gate';
export { type Proxy, startProxy } from './proxy';
