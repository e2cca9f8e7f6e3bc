import type { Shop } from '../support';
import { type Ran, run } from './support';

export interface Surroundings {
  /** What somebody at the terminal answers; without it nobody sits there. */
  readonly answer?: string;
  /** Default: the shop's. */
  readonly url?: string;
}

/** Runs a command line against a shop, without a process of its own. */
export function commandLine(
  shop: Shop,
  args: readonly string[],
  { url = shop.url, ...terminal }: Surroundings = {},
): Promise<Ran> {
  return run(args, { env: { MYSQL_URL: url }, ...terminal });
}

/** The same with --json, parsed. */
export async function json(shop: Shop, args: readonly string[]): Promise<unknown> {
  const { out, err } = await commandLine(shop, [...args, '--json']);
  if (err !== '') throw new Error(err);
  return JSON.parse(out) as unknown;
}
