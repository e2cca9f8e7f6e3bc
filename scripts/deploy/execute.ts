import type { Connection } from 'mysql2/promise';
import { retrying } from '../client/pause';
import { LOCK_WAIT_SECONDS, sessionStatements, TRUST_FUNCTIONS } from './connection';
import { deploymentLock, type Holder, holdersOf, sayHolders } from './lock';
import { errnoOf, StepFailed } from './errors';
import { migrate } from './migrations';
import { allSteps, type Plan, type Step } from './step';
import { quoteName, quoteString, requireThat } from './text';
import type { Blueprint } from './shop';

/** For whoever shows the progress: called before a step, and after it with the time it took. */
export interface Progress {
  readonly title: string;
  readonly number: number;
  readonly total: number;
  /** Undefined: the step begins. */
  readonly durationMs?: number;
}

export interface ExecuteOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Takes a line about a wait. */
  readonly log?: ((line: string) => void) | undefined;
  /** How often something that waits in vain for a lock is tried again; the pauses grow from this one to ten of it. */
  readonly lockRetries?: number | undefined;
  readonly lockPauseMs?: number | undefined;
}

/**
 * Runs a plan: its versioned files in umzug's hands, in the direction given, after a last look when all before them is
 * done. Throws a StepFailed.
 */
export async function execute(
  db: Connection,
  plan: Plan,
  direction: 'up' | 'down',
  options: ExecuteOptions = {},
  lastLook: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const total = allSteps(plan).length;
  let number = 0;
  const run = async (step: Step) => {
    const { title } = step;
    number += 1;
    const startedAt = performance.now();
    options.onProgress?.({ title, number, total });
    await runStep(db, step, options);
    options.onProgress?.({ title, number, total, durationMs: performance.now() - startedAt });
  };

  for (const step of plan.before) await run(step);
  await lastLook();
  if (plan.migrations.length > 0) await migrate(db, plan.migrations, direction, run);
  for (const step of plan.after) await run(step);
}

const isLockConflict = (error: unknown) =>
  [1205 /* lock wait */, 1213 /* deadlock */].includes(errnoOf(error) ?? 0);

/** An index build ends only when the transactions that began meanwhile have ended: it is not to be lost then. */
const BUILD_WAIT_SECONDS = 10;

/** A transaction that has done nothing for so long may do nothing for long: DDL behind it would stop the shop. */
const OLD_SECONDS = 2;

async function runStep(db: Connection, step: Step, options: ExecuteOptions): Promise<void> {
  if (step.builds !== undefined) return runBuild(db, step, step.builds, options);
  for (const statement of step.statements) {
    await whileLocked(step, options, async () => {
      try {
        await db.query(statement);
      } catch (error) {
        const isLock = isLockConflict(error);
        const reason = isLock ? waitsFor(await holdersOf(db, step.locks ?? '')) : '';
        throw new StepFailed(step.title, statement, error as Error, reason);
      }
    });
  }
}

const waitsFor = (holders: readonly Holder[]) =>
  holders.length === 0
    ? 'waits for a transaction that uses it (see performance_schema.metadata_locks)'
    : `waits for ${sayHolders(holders)}`;

/** Tries again while it fails for a lock, with growing pauses, in which everybody else gets on. */
function whileLocked(
  { title }: Step,
  { log, lockRetries = 12, lockPauseMs = 1000 }: ExecuteOptions,
  attempt: () => Promise<void>,
): Promise<void> {
  let said = '';
  return retrying(attempt, (error, retries) => {
    const { reason = '' } = error instanceof StepFailed ? error : {};
    if (reason === '' || retries >= lockRetries) return undefined;
    if (reason !== said) log?.(`${title}: ${reason}`);
    said = reason;
    return lockPauseMs * Math.min(retries + 1, 10);
  });
}

/**
 * Builds an index. It begins only when no old transaction uses the table, since waiting for one would stop the shop;
 * and once begun it is never begun again by itself, since a build that is lost may have taken an hour.
 */
async function runBuild(db: Connection, step: Step, table: string, options: ExecuteOptions) {
  const [statement = ''] = step.statements;
  await whileLocked(step, options, async () => {
    const old = (await holdersOf(db, table)).filter(({ seconds }) => seconds >= OLD_SECONDS);
    if (old.length === 0) return;
    const inUse = new Error(`${table} is in use. Nothing was begun`);
    throw new StepFailed(step.title, statement, inUse, waitsFor(old));
  });
  await db.query('SET SESSION lock_wait_timeout = ?', [BUILD_WAIT_SECONDS]);
  try {
    await db.query(statement);
  } catch (error) {
    const holders = isLockConflict(error) ? await holdersOf(db, table) : undefined;
    const reason = holders === undefined ? '' : `${waitsFor(holders)}. The index is not built`;
    throw new StepFailed(step.title, statement, error as Error, reason);
  } finally {
    await db.query('SET SESSION lock_wait_timeout = ?', [LOCK_WAIT_SECONDS]).catch(() => undefined);
  }
}

/** A plan as a script for the mysql client. `remarks`: lines for whoever reviews it. `asPlanned`: see requireAsNow. */
export function toScript(
  plan: Plan,
  schema: string,
  { version, objects }: Blueprint,
  remarks: readonly string[],
  asPlanned: readonly string[],
): string {
  const comments = [
    `order-timeout ${version}: what "up" would do now to the database ${schema}.`,
    'Run it with the mysql client, as the account that it was planned with: mysql --host=... < this file',
    'It stops at the first error; then mend the cause, plan anew and run the new plan.',
    ...(objects.some(({ kind }) => kind === 'function') ? [NEEDS_TRUST] : []),
    ...remarks,
  ];
  const statements = [
    `USE ${quoteName(schema)}`,
    ...sessionStatements(),
    // Another deployment that has the lock ends the script before its first change.
    ...requireThat(
      `GET_LOCK(${quoteString(deploymentLock(schema))}, 0) = 1`,
      'another_deployment_of_this_database_is_under_way',
    ),
    ...asPlanned,
  ];
  return [
    ...comments.flatMap((comment) => comment.split('\n')).map((line) => `-- ${line}`),
    '',
    ...statements.map((statement) => `${statement};\n`),
    ...allSteps(plan).flatMap(({ title, statements }) => [
      `-- ${title}`,
      ...statements.map(terminate),
      '',
    ]),
  ].join('\n');
}

const NEEDS_TRUST = `It creates functions. With binary logging on, an account without SUPER may do so only while this holds:
  ${TRUST_FUNCTIONS};`;

/** Only a body with statements of its own needs another delimiter. */
function terminate(statement: string): string {
  if (!/^CREATE\b[^;]*\b(PROCEDURE|FUNCTION|EVENT)\b/i.test(statement)) return `${statement};`;
  const delimiter = ['$$', '//', ';;;'].find((candidate) => !statement.includes(candidate)) ?? '$$';
  return `DELIMITER ${delimiter}\n${statement}${delimiter}\nDELIMITER ;`;
}
