import { up } from '../../../scripts/deploy';
import { readPage } from '../../docs/pages';
import { createShop, type Shop, type ShopOptions } from '../../support';
import { SMALL } from './sources';

/** A shop without the engine, and whoever the runbook has deploy to it. */
export async function newShop(options: ShopOptions = {}) {
  const shop = await createShop({ ...options, deploy: false });
  return { shop, url: await deployer(shop) };
}

/** The same with the small source deployed. */
export async function deployedShop() {
  const { shop, url } = await newShop();
  await up(url, { source: SMALL });
  return { shop, url };
}

/** One that may not make a definer account. */
export const plainDeployer = (shop: Shop) =>
  shop.createAccount(`ALL ON ${shop.name}.*`, 'SELECT ON performance_schema.*');

export async function eventStatus(shop: Shop): Promise<string | undefined> {
  const [row] = await shop.run<{ status: string }>(
    'SELECT status AS status FROM information_schema.events WHERE event_schema = DATABASE()',
  );
  return row?.status;
}

/** An account with just what the runbook grants the deploying account: "needed", or also what it recommends. */
export async function deployer(shop: Shop, extent: 'needed' | 'all' = 'all'): Promise<string> {
  const url = await shop.createAccount('USAGE ON *.*');
  const grants = grantsOfRunbook();
  for (const grant of extent === 'all' ? grants : grants.filter((line) => !isForSeeing(line))) {
    await shop.run(
      grant
        .replace('shop.*', `\`${shop.name}\`.*`)
        .replace("'deployer'@'%'", `'${new URL(url).username}'@'%'`),
    );
  }
  return url;
}

/** What the runbook gives for doctor and verify to see everything. */
const isForSeeing = (grant: string) => /SHOW_ROUTINE|ON mysql\.|TRIGGER/.test(grant);

/** The GRANT statements of the runbook's section "The deploying account". */
function grantsOfRunbook(): string[] {
  const text = readPage('docs/runbook.md');
  const section = /^## The deploying account$([\s\S]*?)^## /m.exec(`${text}\n## `)?.[1] ?? '';
  return [...section.matchAll(/^GRANT [^;]+/gm)].map(([grant]) => grant);
}
