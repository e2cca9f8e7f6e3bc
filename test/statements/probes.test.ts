import { expect, test } from 'vitest';
import { readSource } from '../../scripts/deploy';
import { probedText, withProbes } from './probes';

const PROBED = `CREATE PROCEDURE p ()
BEGIN
    DECLARE v INT DEFAULT (SELECT 1);
    DECLARE CONTINUE HANDLER FOR NOT FOUND, 1305 BEGIN <1> SET v = 2; END;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        <2> ROLLBACK;
        <3> RESIGNAL;
    END;
    DECLARE CONTINUE HANDLER FOR {{> any_error}} BEGIN END;
    -- No statement; nor is this.
    <4> IF CASE v WHEN 1 THEN 1 END THEN
        <5> SELECT CASE v WHEN 1 THEN ';' ELSE 2 END;
    ELSE
        <6> WHILE v DO <7> SET v = 0; END WHILE;
    END IF;
    part_{{kind}}: LOOP
        <8> LEAVE part_{{kind}};
    END LOOP;
    <9> SIGNAL SQLSTATE '45000';
    RETURN FALSE;
END$$`;

test('each statement of a procedure gets a probe: in branches, loops, handlers and blocks', () => {
  const withoutProbes = PROBED.replace('BEGIN <1> SET v = 2; END;', 'SET v = 2;').replaceAll(
    /<\d+> /g,
    '',
  );
  let number = 0;

  expect(probedText(withoutProbes, () => `<${++number}>`)).toBe(PROBED);
});

test('every routine has at least one', () => {
  const source = readSource();
  const { probed } = withProbes(source);

  expect([...new Set(probed.map(({ procedure }) => procedure))].sort()).toEqual(
    source.objects
      .filter(({ kind }) => kind === 'procedure' || kind === 'function')
      .map(({ name }) => name)
      .sort(),
  );
});
