import { beforeAll, expect, test } from 'vitest';
import { readSource, up } from '../../scripts/deploy';
import { createShop, type Shop } from '../support';
import { mutated, mutations } from './mutations';

let deployed: Shop;
beforeAll(async () => {
  deployed = await createShop();
});

// A bug that could not be deployed would be seen by every test, and prove nothing.
test.each(mutations.map(({ name }) => name))(
  'the SQL as it is now can be deployed with the bug: %s',
  async (name) => {
    const sound = readSource();
    const source = mutated(sound, name);
    // What is replaced in a deployed shop is soon done; a table has to be made anew.
    const isInTable = sound.migrations.some(({ up }, index) => up !== source.migrations[index]?.up);
    const { url, clock } = isInTable ? await createShop({ deploy: false }) : deployed;

    expect(await up(url, { clock, clockIsRight: true, source })).toMatchObject({ outcome: 'done' });
  },
);
