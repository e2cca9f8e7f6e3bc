import { sessionStatements } from './connection';
import { deploymentLock } from './lock';
import { quoteName, quoteString } from './quote';
import { allSteps, type Plan, type Step } from './steps';

/** A plan as a script for the mysql client. */
export function toScript(plan: Plan, schema: string, version: string): string {
  const lock = quoteString(deploymentLock(schema));
  return [
    `-- order-timeout ${version}: what "up" would do now to the database ${schema.replaceAll('\n', ' ')}.`,
    '-- Run it with the mysql client, as the account that it was planned with: mysql --host=... < this file',
    '-- It stops at the first error; then mend the cause, plan anew and run the new plan.',
    '-- Let nobody else deploy meanwhile. This asks for the lock that "up" takes (1: it is yours):',
    `--   SELECT GET_LOCK(${lock}, 0);`,
    '',
    ...[`USE ${quoteName(schema)}`, ...sessionStatements()].map((statement) => `${statement};\n`),
    ...allSteps(plan).map(stepToScript),
  ].join('\n');
}

function stepToScript({ title, notes = [], statements }: Step): string {
  return [
    `-- ${title}`,
    ...notes.map((note) => `-- (${note})`),
    ...statements.map((statement) => terminate(statement)),
    '',
  ].join('\n');
}

/** Only a body with statements of its own needs another delimiter. */
function terminate(statement: string): string {
  if (!/^CREATE\b[^;]*\b(PROCEDURE|EVENT)\b/i.test(statement)) return `${statement};`;
  const delimiter = ['$$', '//', ';;;'].find((candidate) => !statement.includes(candidate)) ?? '$$';
  return `DELIMITER ${delimiter}\n${statement}${delimiter}\nDELIMITER ;`;
}
