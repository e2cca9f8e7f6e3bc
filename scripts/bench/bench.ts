import type { BenchServer } from './server';
import { type BenchShop, createShop } from './shop';
import type { Sizes } from './sizes';

/** What a part of the bench works with. */
export interface Bench {
  readonly server: BenchServer;
  readonly sizes: Sizes;
  /** Takes a line for the person who waits. */
  progress(line: string): void;
  /** A shop by name, made when it is first asked for. */
  shop(name: ShopName): Promise<BenchShop>;
}

/** `engine` stands in sql/floor_answers.sql too. */
export type ShopName = 'engine' | 'floor' | 'order_by_order' | 'large';

export interface OpenBench extends Bench {
  close(): Promise<void>;
}

export function openBench(
  server: BenchServer,
  sizes: Sizes,
  progress: (line: string) => void,
): OpenBench {
  const shops = new Map<ShopName, BenchShop>();
  return {
    server,
    sizes,
    progress,
    shop: async (name) => {
      const shop = shops.get(name) ?? (await createShop(server, name));
      shops.set(name, shop);
      return shop;
    },
    close: async () => {
      for (const shop of shops.values()) await shop.drop();
    },
  };
}
