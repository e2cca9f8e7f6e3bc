import { describe, expect, it } from 'vitest';
import { createShop } from '../support';
import { tablesOf } from '../shops/example';
import { textOf } from '../deploy/shop-file/tables';
import { run } from './support';

describe('"shop"', () => {
  it('prints the file that is deployed', async () => {
    const shop = await createShop();
    const { out, exitCode } = await run(['shop', '--url', shop.url]);
    expect(exitCode).toBe(0);
    expect(out).toContain('table: orders');
  });

  it('says what to do where nothing is deployed', async () => {
    const shop = await createShop({ deploy: false });
    expect(await run(['shop', '--url', shop.url])).toMatchObject({
      out: '',
      err: 'Nothing is deployed here: "order-timeout shop --guess" prints a file to begin with.\n',
      exitCode: 1,
    });
  });

  it('says on the terminal, and not in the file, that there is nothing to guess from', async () => {
    const shop = await createShop({ deploy: false, schema: () => 'CREATE TABLE a (id INT)' });
    expect(await run(['shop', '--guess', '--url', shop.url])).toMatchObject({
      out: '',
      err: expect.stringContaining('No table here looks like orders') as string,
      exitCode: 1,
    });
  });

  it('guesses a file to begin with', async () => {
    const shop = await tablesOf('mall');
    const { out, exitCode } = await run(['shop', '--guess', '--url', shop.url]);
    expect(exitCode).toBe(0);
    expect(out).toBe((await textOf('mall')).trimEnd());
  });
});
