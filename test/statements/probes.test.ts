import { expect, test } from 'vitest';
import { readSource } from '../../scripts/deploy';
import { probedText, withProbes } from './probes';

test('each statement of a procedure gets a probe: in branches, loops, handlers and blocks', () => {
  let number = 0;
  const probed = probedText(
    `CREATE PROCEDURE p ()
BEGIN
    DECLARE v INT DEFAULT (SELECT 1);
    DECLARE CONTINUE HANDLER FOR NOT FOUND, 1305 SET v = 2;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    DECLARE CONTINUE HANDLER FOR {{> any_error}} BEGIN END;
    -- No statement; nor is this.
    IF CASE v WHEN 1 THEN 1 END THEN
        SELECT CASE v WHEN 1 THEN ';' ELSE 2 END;
    ELSE
        WHILE v DO SET v = 0; END WHILE;
    END IF;
    part: BEGIN
        LEAVE part;
    END;
    SIGNAL SQLSTATE '45000';
    RETURN FALSE;
END$$`,
    () => `<${++number}>`,
  );

  expect(probed).toBe(`CREATE PROCEDURE p ()
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
    part: BEGIN
        <8> LEAVE part;
    END;
    <9> SIGNAL SQLSTATE '45000';
    RETURN FALSE;
END$$`);
});

test('every routine has at least one', async () => {
  const source = await readSource();
  const { probed } = withProbes(source);

  expect([...new Set(probed.map(({ procedure }) => procedure))].sort()).toEqual(
    source.objects
      .filter(({ kind }) => kind === 'procedure' || kind === 'function')
      .map(({ name }) => name)
      .sort(),
  );
});
