import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { isInstalled } from '../../support/programs';

/** Tests that look at a page in a real browser, where there is one. */
export const withChromium = test.skipIf(
  !isInstalled('chromium', 'apt-get install --no-install-recommends chromium'),
);

/** Opens a page without a window and without the net. Returns what the browser prints. */
export function chromium(args: readonly string[]): string {
  const profile = mkdtempSync(join(tmpdir(), 'order-timeout-chromium-'));
  try {
    return execFileSync(
      'chromium',
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--no-first-run',
        '--host-resolver-rules=MAP * ~NOTFOUND',
        '--hide-scrollbars',
        `--user-data-dir=${profile}`,
        ...args,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 120_000, maxBuffer: 1e8 },
    );
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
