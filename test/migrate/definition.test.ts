import { describe, expect, it } from 'vitest';
import { differingAspects, readDefinition } from '../../scripts/migrate/definition';
import { tokenise } from '../../scripts/migrate/tokens';

describe('tokens', () => {
  it.each([
    ['comments and white space are left out', 'a -- x\n  b /* y */ c # z\n', ['a', 'b', 'c']],
    [
      'hints and versioned comments count',
      '/*+ MAX */ /*!80000 b */',
      ['/*+ MAX */', '/*!80000 b */'],
    ],
    [
      'a quote within a text is one spelling',
      `'it''s' 'it\\'s' "it's"`,
      ["'it's'", "'it's'", "'it's'"],
    ],
    ['a line end within a text is one spelling', `'a\\nb' 'a\nb'`, ["'a\nb'", "'a\nb'"]],
    ['a comment within a text is text', `'-- no'`, ["'-- no'"]],
    ['a subtraction is no comment', '1--2', ['1', '-', '-', '2']],
    ['a quoted name is a name', '`a``b`', ['a`b']],
  ])('%s', (_, sql, tokens) => {
    expect(tokenise(sql)).toEqual(tokens);
  });
});

const file = `CREATE PROCEDURE p (
    IN p_id BIGINT,
    OUT p_name VARCHAR(16)
)
    COMMENT 'What''s it for.
Second line.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
p: BEGIN
    SET p_name = 'x' /* why */;
END`;

const shown = `CREATE DEFINER=\`a\`@\`b\` PROCEDURE \`p\`(
    IN p_id BIGINT,
    OUT p_name VARCHAR(16)
)
    MODIFIES SQL DATA
    COMMENT 'What''s it for.\\nSecond line.'
p: BEGIN
    SET p_name = 'x'  ;
END`;

describe('a procedure of a file and of SHOW CREATE', () => {
  const differences = (other: string) =>
    differingAspects(readDefinition(file), readDefinition(other));

  it('are the same whatever the client did to comments and white space', () => {
    expect(differences(shown)).toEqual([]);
  });

  it.each([
    ['parameters', shown.replace('VARCHAR(16)', 'VARCHAR(8)')],
    ['comment', shown.replace('Second', 'Third')],
    ['access', shown.replace('MODIFIES', 'READS')],
    ['security', shown.replace('    COMMENT', '    SQL SECURITY INVOKER\n    COMMENT')],
    ['body', shown.replace("'x'", "'y'")],
  ])('differ in their %s', (aspect, other) => {
    expect(differences(other)).toEqual([aspect]);
  });
});

describe('an event of a file and of SHOW CREATE', () => {
  const event = `CREATE EVENT e ON SCHEDULE EVERY 1 MINUTE ON COMPLETION PRESERVE ENABLE COMMENT 'c' DO CALL p()`;
  const differences = (other: string) =>
    differingAspects(readDefinition(event), readDefinition(other));

  it.each(['ENABLE', 'DISABLE', 'DISABLE ON REPLICA'])(
    'are the same with the state %s',
    (state) => {
      expect(
        differences(
          `CREATE DEFINER=\`a\`@\`b\` EVENT \`e\` ON SCHEDULE EVERY 1 MINUTE STARTS '2026-01-01 00:00:00' ` +
            `ON COMPLETION PRESERVE ${state} COMMENT 'c' DO CALL p()`,
        ),
      ).toEqual([]);
    },
  );

  it('differ in their schedule', () => {
    expect(differences(event.replace('1 MINUTE', '2 MINUTE'))).toEqual(['schedule']);
  });

  it('differ in their body', () => {
    expect(differences(event.replace('p()', 'q()'))).toEqual(['body']);
  });
});
