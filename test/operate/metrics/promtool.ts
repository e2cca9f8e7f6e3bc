import { execFileSync } from 'node:child_process';
import { test } from 'vitest';
import { isInstalled } from '../../support/programs';

/** Tests that need promtool, where it is. */
export const withPromtool = test.skipIf(
  !isInstalled('promtool', 'apt-get install --no-install-recommends prometheus'),
);

/** Throws with what promtool has to say when it finds something. */
export function promtool(args: readonly string[], input = ''): string {
  try {
    return execFileSync('promtool', [...args], { input, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`promtool ${args.join(' ')} finds:\n${stdout}${stderr}`, { cause: error });
  }
}
