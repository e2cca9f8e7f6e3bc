import type { Connection } from 'mysql2/promise';
import { checkServer, findObstacles } from '../preflight';
import { estimateFirstSweep, type FirstSweep } from '../preflight/first-sweep';
import { LOCK_WAIT_SECONDS, openSession, select, type Target } from './connection';
import { DEFINER_ACCOUNT, DEFINER_LOCK } from './definer';
import { Refusal } from './errors';
import { execute, type ExecuteOptions } from './execute';
import { checkHistory } from './history';
import { takeDeploymentLock } from './lock';
import { planDown, planUp, type Wishes } from './plan';
import { chooseDefiner } from './plan-definer';
import { describeLostGrants } from './plan-objects';
import { toScript } from './script';
import { readSource, type Source } from './source';
import { type DatabaseState, readState } from './state';
import { readStatus, type Status } from './status';
import { allSteps, isEmpty, type Plan } from './steps';
import { compare, type Verification } from './verify';

export { type Target } from './connection';
export { DeploymentLocked, Refusal, StepFailed } from './errors';
export type { Progress } from './execute';
export type { Wishes } from './plan';
export { readSource, type Source } from './source';
export type { MigrationStatus, Status } from './status';
export type { Verification } from './verify';

/** What somebody is shown before anything is changed. */
export interface Proposal {
  /** What will be done, a line each. */
  readonly steps: readonly string[];
  /** Worth knowing, and no reason to stop. */
  readonly remarks: readonly string[];
  /** What the first sweep would move, by the shop's data of now. */
  readonly firstSweep: () => Promise<FirstSweep>;
}

export interface DeployOptions extends ExecuteOptions {
  /** Asked before anything is changed; false leaves everything as it is. Without it nobody is asked. */
  readonly confirm?: ((proposal: Proposal) => Promise<boolean>) | undefined;
  /** What to deploy; default: this package's files. */
  readonly source?: Source | undefined;
  /** How long one try of a statement waits for a lock. */
  readonly lockWaitSeconds?: number | undefined;
}

export interface UpOptions extends DeployOptions, Wishes {}

export interface DeployResult {
  readonly outcome: 'done' | 'nothing_to_do' | 'declined';
  /** What was done, a line each. */
  readonly steps: readonly string[];
  readonly remarks: readonly string[];
}

/**
 * Deploys to a shop's database: checks first, then whatever is missing or different. Repeatable, also after a crash.
 * Throws a Refusal with every finding when something is wrong (nothing is changed then), DeploymentLocked when
 * another deployment is under way, StepFailed when a statement fails, and mysql2's errors.
 */
export async function up(target: Target, options: UpOptions = {}): Promise<DeployResult> {
  const source = options.source ?? (await readSource());
  return withSession(target, options, async (db) => {
    const { plan, remarks, state } = await proposeUp(db, source, options);
    if (isEmpty(plan)) return { outcome: 'nothing_to_do', steps: [], remarks };

    const steps = titles(plan);
    if (options.confirm !== undefined) {
      const firstSweep = () => estimateFirstSweep(db, source, state, options.clock);
      if (!(await options.confirm({ steps, remarks, firstSweep }))) {
        return { outcome: 'declined', steps: [], remarks };
      }
      await requireUnchanged(plan, () => proposeUp(db, source, options));
    }
    await execute(db, plan, source, 'up', options);
    return { outcome: 'done', steps, remarks };
  });
}

export interface UpScript {
  /** For the mysql client. */
  readonly sql: string;
  readonly steps: readonly string[];
  readonly remarks: readonly string[];
}

/** The statements that up() would run now, for a person to review and run. Throws as up() does. */
export async function plan(target: Target, options: UpOptions = {}): Promise<UpScript> {
  const source = options.source ?? (await readSource());
  return withSession(target, options, async (db) => {
    const { plan, remarks, state } = await proposeUp(db, source, options);
    return { sql: toScript(plan, state.schema, source.version), steps: titles(plan), remarks };
  });
}

export interface DownOptions extends DeployOptions {
  /** Also when the journal has rows, which are then lost. */
  readonly dropJournal?: boolean | undefined;
}

/**
 * Removes what up() added. Throws a Refusal while the journal has rows, unless dropJournal; otherwise as up().
 */
export async function down(target: Target, options: DownOptions = {}): Promise<DeployResult> {
  const source = options.source ?? (await readSource());
  return withSession(target, options, async (db) => {
    await checkServer(db);
    // The account is the server's: whether another schema uses it must stay true until it is dropped.
    await db.query('DO GET_LOCK(?, 30)', [DEFINER_LOCK]);
    const { plan, remarks } = await proposeDown(db, source, options.dropJournal ?? false);
    if (isEmpty(plan)) return { outcome: 'nothing_to_do', steps: [], remarks };

    const steps = titles(plan);
    if (options.confirm !== undefined) {
      const firstSweep = () => Promise.reject(new Error('There is no sweep after "down"'));
      if (!(await options.confirm({ steps, remarks, firstSweep }))) {
        return { outcome: 'declined', steps: [], remarks };
      }
      await requireUnchanged(plan, () => proposeDown(db, source, options.dropJournal ?? false));
    }
    await execute(db, plan, source, 'down', options);
    return { outcome: 'done', steps, remarks };
  });
}

/** How the deployment stands. Changes nothing, and waits for no deployment. Throws as up() does. */
export async function status(target: Target, given?: Source): Promise<Status> {
  const source = given ?? (await readSource());
  return reading(target, async (db) => readStatus(db, source, await readState(db, source)));
}

/** Compares what is deployed with this version's files. Changes nothing. Throws as up() does. */
export async function verify(target: Target, given?: Source): Promise<Verification> {
  const source = given ?? (await readSource());
  return reading(target, async (db) => compare(source, await readState(db, source)));
}

async function reading<T>(target: Target, work: (db: Connection) => Promise<T>): Promise<T> {
  const db = await openSession(target);
  try {
    await checkServer(db);
    return await work(db);
  } finally {
    db.destroy();
  }
}

async function withSession<T>(
  target: Target,
  { lockWaitSeconds = LOCK_WAIT_SECONDS }: DeployOptions,
  work: (db: Connection) => Promise<T>,
): Promise<T> {
  const db = await openSession(target, lockWaitSeconds);
  try {
    const [row] = await select<{ name: string }>(db, 'SELECT DATABASE() AS name');
    await takeDeploymentLock(db, row?.name ?? '');
    return await work(db);
  } finally {
    // With the session its locks go too, but only when the server notices that it has ended.
    await db.query('DO RELEASE_ALL_LOCKS()').catch(() => undefined);
    db.destroy();
  }
}

interface Proposed {
  readonly plan: Plan;
  readonly remarks: readonly string[];
  readonly state: DatabaseState;
}

async function proposeUp(db: Connection, source: Source, wishes: Wishes): Promise<Proposed> {
  await checkServer(db);
  const state = await readState(db, source);
  const { findings, remarks } = await findObstacles(db, source, state, wishes);
  if (findings.length > 0) throw new Refusal(findings);
  return {
    plan: planUp(source, state, wishes),
    remarks: [...remarks, ...describeLostGrants(source, state, chooseDefiner(state))],
    state,
  };
}

async function proposeDown(
  db: Connection,
  source: Source,
  dropJournal: boolean,
): Promise<Proposed> {
  const state = await readState(db, source);
  const findings = checkHistory(source.migrations, state.registry?.migrations ?? []);
  const rows = await countJournal(db, state);
  if (rows > 0 && !dropJournal) {
    findings.push(
      `The journal has ${rows} rows: they say what was given back to whom, and make a second refund impossible. ` +
        'Nothing was changed. To lose them with the rest: down --drop-journal',
    );
  }
  if (findings.length > 0) throw new Refusal(findings);

  const others = await select<{ name: string }>(
    db,
    'SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name NOT IN (?)',
    [[state.schema, 'information_schema', 'mysql', 'performance_schema', 'sys']],
  );
  const remarks = state.definer.known
    ? []
    : [
        `This account may not read mysql.user: whether ${DEFINER_ACCOUNT} is still needed is for you to see`,
      ];
  return {
    plan: planDown(
      source,
      state,
      others.map(({ name }) => name),
    ),
    remarks,
    state,
  };
}

async function countJournal(db: Connection, { tables }: DatabaseState): Promise<number> {
  const journal = ['order_timeout_cancellation', 'order_timeout_refund'].filter((table) =>
    tables.has(table),
  );
  let rows = 0;
  for (const table of journal) {
    const [row] = await select<{ total: number }>(db, 'SELECT COUNT(*) AS total FROM ??', [table]);
    rows += row?.total ?? 0;
  }
  return rows;
}

const titles = (plan: Plan) => allSteps(plan).map(({ title }) => title);

/** What was agreed to is what is done, however long the reading took. */
async function requireUnchanged(agreed: Plan, propose: () => Promise<Proposed>) {
  const { plan: now } = await propose();
  if (JSON.stringify(now) !== JSON.stringify(agreed)) {
    throw new Refusal([
      'The database was changed while the plan was being read: nothing was done. Run it again.',
    ]);
  }
}
