import type { Index } from './indexes';

/** A table or view as information_schema has it. */
export interface Table {
  readonly name: string;
  /** BASE TABLE, VIEW, SYSTEM VIEW. */
  readonly type: string;
  readonly engine: string | null;
  /** By lower-case name. */
  readonly columns: ReadonlyMap<string, Column>;
  readonly indexes: readonly Index[];
}

export interface Column {
  readonly name: string;
  /** bigint, varchar, enum ... */
  readonly type: string;
  /** With length and values: "enum('a','b')", "bigint unsigned". */
  readonly fullType: string;
  readonly nullable: boolean;
  readonly hasDefault: boolean;
  readonly autoIncrement: boolean;
  readonly generated: boolean;
  /** Maximum length in characters; null unless it is text. */
  readonly characters: number | null;
  readonly charset: string | null;
}

/** The shop's tables, as far as the engine uses them. */
export const SHOP_TABLES = [
  'orders',
  'order_coupons',
  'user_coupons',
  'user_coupon_ledger',
  'user_points',
  'user_points_ledger',
] as const;

export type ShopTable = (typeof SHOP_TABLES)[number];
