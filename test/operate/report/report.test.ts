import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readHistory } from '../../../scripts/operate/report/history';
import { toPage } from '../../../scripts/operate/report/page';
import { commandLine } from '../../cli/support';
import { createShop, type Shop } from '../../support';
import { isInstalled } from '../../support/programs';
import { fillMonth, MONTH } from './month';

const directory = mkdtempSync(join(tmpdir(), 'order-timeout-report-'));
const file = join(directory, 'report.html');
let shop: Shop;
let page: string;

beforeAll(async () => {
  shop = await createShop({ clock: '+08:00', event: true });
  await fillMonth(shop);
  const args = ['report', '--since', MONTH.since, '--until', MONTH.until, '--html', file];
  const { out, err } = await commandLine(shop, args);
  if (err !== '' || !out.startsWith('Written')) throw new Error(err);
  page = readFileSync(file, 'utf8');
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** Between two times of the shop's clock. */
const historyOf = async (since: string, until: string) =>
  readHistory(await shop.connect(), {
    since: new Date(`${since}:00+08:00`),
    until: new Date(`${until}:00+08:00`),
  });

test('the history is what the journal has', async () => {
  const history = await historyOf('2026-01-01T00:00', '2026-01-31T00:00');
  const [inJournal] = await shop.run(
    `SELECT CONCAT(SUM(cause = 'timeout')) AS timeout, CONCAT(SUM(cause = 'user')) AS user,
            CONCAT(SUM(cause = 'admin')) AS admin,
            (SELECT CONCAT(SUM(amount)) FROM order_timeout_refund
              WHERE kind = 'coupon' AND cause <> 'repair') AS coupons,
            (SELECT CONCAT(SUM(amount)) FROM order_timeout_refund
              WHERE kind = 'points' AND cause <> 'repair') AS points
       FROM order_timeout_cancellation`,
  );
  const { spans } = history;
  const sum = (of: (span: (typeof spans)[number]) => number | bigint | undefined) =>
    String(spans.reduce((total, span) => total + BigInt(of(span) ?? 0n), 0n));

  expect(spans).toHaveLength(30);
  expect({
    timeout: sum(({ cancelled }) => cancelled.timeout),
    user: sum(({ cancelled }) => cancelled.user),
    admin: sum(({ cancelled }) => cancelled.admin),
    coupons: sum(({ returned }) => returned.coupon),
    points: sum(({ returned }) => returned.points),
  }).toEqual(inJournal);
  expect(sum(({ runs }) => runs.completed + runs.outOfTime + runs.failed)).toBe('1428');

  const day = (number: number) => spans[number - 1];
  expect(day(12)).toMatchObject({
    name: '2026-01-12',
    runs: { outOfTime: 2 },
    longestRunMs: 50012,
  });
  expect(Math.round((day(12)?.oldestOverdueSeconds ?? 0) / 60)).toBe(360);
  expect(day(13)?.oldestOverdueSeconds).toBeLessThan(90);
  expect(day(20)).toMatchObject({ runs: { failed: 12 } });
  expect(day(25)).toMatchObject({ repaired: { coupon: 40_000n, points: 2500n } });
  expect(history.failedRuns).toHaveLength(12);
  expect(history.failedOrders).toMatchObject([
    { order: '300001', 'next try': 'set aside' },
    { order: '300002', 'next try': '2026-01-30 20:07:00' },
  ]);
});

test('a list that is cut off says so', async () => {
  const history = await historyOf('2026-01-12T08:00', '2026-01-12T09:00');
  const rows = (length: number) => Array.from({ length }, (_, finding) => ({ finding }));
  const headings = (length: number) => toPage({ ...history, findings: rows(length) });

  expect(headings(49)).not.toContain('only 50');
  expect(headings(50)).toContain('<h2>What a person has to look at: only 50 are shown</h2>');
});

test('a few hours are shown by the hour, also those in which nothing happened', async () => {
  const { spans, unit } = await historyOf('2026-01-12T08:00', '2026-01-12T16:00');

  expect(unit).toBe('hour');
  expect(spans.map(({ name, cancelled }) => [name.slice(11), cancelled.timeout > 0])).toEqual([
    ['08:00', true],
    ...['09', '10', '11', '12', '13', '14'].map((hour) => [`${hour}:00`, false]),
    ['15:00', true],
  ]);
});

test('the page has everything in it, and no script', () => {
  expect(page).not.toMatch(/<script|<link|<img|src=|url\((?!#)|@import|href="(?!#)/i);
  expect(page.match(/<svg/g)).toHaveLength(6);
  expect(page).toContain('&lt;b&gt;a trigger of the shop&#39;s&lt;&#x2F;b&gt;');
  expect(statSync(file).size).toBeLessThan(400_000);
});

test('without a period or a file, and with an empty period, nothing is written', async () => {
  expect(await commandLine(shop, ['report', '--html', file])).toMatchObject({ exitCode: 2 });
  expect(await commandLine(shop, ['report', '--since', '1d'])).toMatchObject({ exitCode: 2 });
  expect(
    await commandLine(shop, ['report', '--since', '1d', '--until', '2d', '--html', file]),
  ).toMatchObject({ err: '--since must be before --until\n', exitCode: 2 });
});

test('a shop in which nothing has happened yet has a page as well', async () => {
  const quiet = await createShop();
  const empty = join(directory, 'empty.html');

  expect(await commandLine(quiet, ['report', '--since', '7d', '--html', empty])).toMatchObject({
    err: '',
    exitCode: 0,
  });

  expect(readFileSync(empty, 'utf8')).toContain('None in this time.');
});

/** Tests that look at a page in a real browser, where there is one. */
const withChromium = test.skipIf(
  !isInstalled('chromium', 'apt-get install --no-install-recommends chromium'),
);

/** Opens a page without a window and without the net. Returns what the browser prints. */
function chromium(args: readonly string[]): string {
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

withChromium(
  'a browser shows it: every chart has its size, nothing overflows, nothing is asked of the net',
  () => {
    // The page itself has no script, and forbids any: a copy of it may look at itself.
    const looking = page.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '').replace(
      '</body>',
      `<script>
        const seen = {
          charts: [...document.querySelectorAll('figure svg')].map((svg) => {
            const { width, height } = svg.getBoundingClientRect();
            return Math.round(width) > 300 && Math.round(height) > 100 && svg.querySelectorAll('path, text').length > 10;
          }),
          overflows: document.documentElement.scrollWidth > window.innerWidth,
          loaded: performance.getEntriesByType('resource').length,
          text: document.body.innerText,
        };
        document.body.replaceChildren(Object.assign(document.createElement('pre'), { id: 'seen', textContent: JSON.stringify(seen) }));
      </script></body>`,
    );
    const copy = join(directory, 'looking.html');
    writeFileSync(copy, looking);

    const dom = chromium(['--window-size=1200,900', '--dump-dom', pathToFileURL(copy).href]);

    const [, json = '{}'] = /<pre id="seen">(.*)<\/pre>/s.exec(dom) ?? [];
    const seen = JSON.parse(
      json.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
    ) as Record<string, unknown>;
    expect(seen).toMatchObject({ charts: Array(6).fill(true), overflows: false, loaded: 0 });
    for (const words of [
      'Orders cancelled',
      'Oldest overdue order',
      'by their user',
      '01-13',
      'set aside',
      "<b>a trigger of the shop's</b>",
    ]) {
      expect(seen.text).toContain(words);
    }
  },
);

withChromium(
  'the screenshot in the docs is made of this page (REPORT_SCREENSHOT=docs/report.png)',
  () => {
    const picture = process.env.REPORT_SCREENSHOT ?? join(directory, 'report.png');
    const copy = join(directory, 'shop.html');
    writeFileSync(copy, page.replaceAll(shop.name, 'shop'));

    chromium(['--window-size=1200,1505', `--screenshot=${picture}`, pathToFileURL(copy).href]);

    const bytes = readFileSync(picture);
    expect(bytes.subarray(1, 4).toString()).toBe('PNG');
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1200, 1505]);
    expect(bytes.length).toBeGreaterThan(50_000);
  },
);
