import { expect, test } from 'vitest';
import { readSource } from '../../scripts/migrate';
import { mutated, mutations } from './mutations';

test.each(mutations.map(({ name }) => name))(
  'the bug can be put into the SQL as it is now: %s',
  async (name) => {
    const source = await readSource();
    expect(mutated(source, name)).not.toEqual(source);
  },
);
