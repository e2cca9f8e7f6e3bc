import { createHash } from 'node:crypto';
import type { Connection } from 'mysql2/promise';
import { select } from './connection';
import { DeploymentLocked } from './errors';

const hash = (schema: string) => createHash('sha256').update(schema).digest('hex').slice(0, 40);

/** Held by a deployment, so that there is one at a time. At most 64 characters. */
export const deploymentLock = (schema: string) => `order_timeout_deploy:${hash(schema)}`;

/** Held by a sweep, see order_timeout_run_sweep. Who holds it keeps the sweep away. */
export const sweepLock = (schema: string) => `order_timeout:${hash(schema)}`;

/** Takes the deployment's lock on this connection, with which it also ends. Throws DeploymentLocked. */
export async function takeDeploymentLock(db: Connection, schema: string): Promise<void> {
  const name = deploymentLock(schema);
  const [row] = await select<{ taken: number | null; holder: number | null }>(
    db,
    'SELECT GET_LOCK(?, 0) AS taken, IS_USED_LOCK(?) AS holder',
    [name, name],
  );
  if (row?.taken !== 1) throw new DeploymentLocked(row?.holder ?? null);
}
