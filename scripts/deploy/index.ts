import type { Connection } from 'mysql2/promise';
import { checkAll, type CheckOptions, requireMysql } from './checks';
import { selectColumn, type Target, withSession } from './connection';
import { withDeploymentLock } from './lock';
import { DEFINER_LOCK } from './definer';
import { checkDown, checkLosses, type Losses, planDown, readOtherSchemas } from './down';
import { type Finding, mistake, Refusal, remark, requireNoMistake, sayFinding } from './errors';
import { execute, type ExecuteOptions, toScript } from './execute';
import { allSteps, type Plan } from './step';
import { sayActions, sayFirstSweep } from './first-sweep';
import { sayServing } from './tables';
import { describeLostGrants, type NewSetting, planUp } from './plan';
import { type Blueprint, readShop, type ShopOptions } from './shop';
import { requireAsNow } from './registry';
import { readSource, type Source } from './source';
import { type DatabaseState, readState } from './state';
import { compare, readStatus, type Status, type Verification } from './status';

export type { Target } from './connection';
export { DeploymentLocked, type Finding, Refusal, sayFinding, StepFailed } from './errors';
export type { Progress } from './execute';
export { readSource, type Source } from './source';
export type { Status } from './status';

/** What somebody is shown before anything is changed. */
export interface Proposal {
  /** What will be done, a line each. */
  readonly steps: readonly string[];
  /** Worth knowing, and no reason to stop; among them what the first sweep would move. */
  readonly remarks: readonly Finding[];
}

interface DeployOptions extends ExecuteOptions {
  /** Asked before anything is changed; false leaves everything as it is. Without it nobody is asked. */
  readonly confirm?: ((proposal: Proposal) => Promise<boolean>) | undefined;
  /** What to deploy; default: this package's files. */
  readonly source?: Source | undefined;
}

export interface UpOptions extends DeployOptions, NewSetting, ShopOptions, CheckOptions {}

export interface DeployResult extends Proposal {
  /** With `done` the steps are what was done. */
  readonly outcome: 'done' | 'nothing_to_do' | 'declined';
}

/**
 * Deploys to a shop's database: checks first, then whatever is missing or different. Repeatable, also after a crash.
 * Throws a Refusal with every mistake when something is wrong (nothing is changed then), DeploymentLocked when
 * another deployment is under way, StepFailed when a statement fails, and mysql2's errors.
 */
export function up(target: Target, options: UpOptions = {}): Promise<DeployResult> {
  return deploying(target, options, (db, source) =>
    carryOut(db, 'up', options, () => proposeUp(db, source, options)),
  );
}

type DownOptions = DeployOptions & Losses;

/** Removes what up() added, by what is there. Throws a Refusal while something would be lost; otherwise as up(). */
export function down(target: Target, options: DownOptions = {}): Promise<DeployResult> {
  return deploying(target, options, async (db, source) => {
    // The account is the server's: whether another schema uses it must stay true until it is dropped.
    const [taken] = await selectColumn(db, 'SELECT GET_LOCK(?, 30)', [DEFINER_LOCK]);
    if (Number(taken) !== 1) {
      const text = 'Another database of this server is being deployed to or cleared';
      throw new Refusal([mistake('definer', text, 'run it again when that is done')]);
    }
    // What calls have committed since the first look, up to the moment from which there is nothing left to call.
    const lastLook = async () => {
      requireNoMistake(await checkLosses(db, options, 'The tables are left: run up, then down'));
    };
    return carryOut(db, 'down', options, () => proposeDown(db, source, options), lastLook);
  });
}

interface UpScript extends Proposal {
  /** For the mysql client. */
  readonly sql: string;
}

/** The statements that up() would run now, for a person to review and run. Throws as up() does. */
export function plan(target: Target, options: UpOptions = {}): Promise<UpScript> {
  return deploying(target, options, async (db, source) => {
    const { plan, remarks, state, blueprint } = await proposeUp(db, source, options);
    const notes = [...remarks.map(sayFinding), ...sayServing(blueprint.indexes)];
    const sql = toScript(plan, state.schema, blueprint, notes, await requireAsNow(db));
    return { sql, steps: titles(plan), remarks };
  });
}

/** How the deployment stands. Changes nothing, and waits for no deployment. Throws as up() does. */
export function status(target: Target, source?: Source): Promise<Status> {
  return reading(target, source, readStatus);
}

/** Compares what is deployed with this version's files. Changes nothing. Throws as up() does. */
export function verify(target: Target, source?: Source): Promise<Verification> {
  return reading(target, source, (_, blueprint, state) => compare(blueprint, state));
}

function reading<T>(
  target: Target,
  given: Source | undefined,
  work: (db: Connection, blueprint: Blueprint, state: DatabaseState) => T | Promise<T>,
): Promise<T> {
  return withSession(target, async (db) => {
    const source = given ?? readSource();
    await requireMysql(db);
    const state = await readState(db, source);
    return work(db, await readShop(db, source, state), state);
  });
}

function deploying<T>(
  target: Target,
  { source }: DeployOptions,
  work: (db: Connection, source: Source) => Promise<T>,
): Promise<T> {
  return withSession(target, async (db) => {
    await requireMysql(db);
    return withDeploymentLock(db, async () => work(db, source ?? readSource()));
  });
}

interface Proposed {
  readonly plan: Plan;
  readonly remarks: readonly Finding[];
}

async function carryOut(
  db: Connection,
  direction: 'up' | 'down',
  options: DeployOptions,
  propose: () => Promise<Proposed>,
  lastLook?: () => Promise<void>,
): Promise<DeployResult> {
  const { plan, remarks } = await propose();
  const steps = titles(plan);
  if (steps.length === 0) return { outcome: 'nothing_to_do', steps, remarks };
  if (options.confirm !== undefined) {
    if (!(await options.confirm({ steps, remarks })))
      return { outcome: 'declined', steps: [], remarks };
    // What was agreed to is what is done, however long the reading took.
    const { plan: now } = await propose();
    if (JSON.stringify(now) !== JSON.stringify(plan)) {
      const text = 'The database was changed while the plan was being read, and nothing was done';
      throw new Refusal([mistake('plan', text, 'run it again')]);
    }
  }
  await execute(db, plan, direction, options, lastLook);
  return { outcome: 'done', steps, remarks };
}

async function proposeUp(db: Connection, source: Source, options: UpOptions) {
  const state = await readState(db, source);
  const blueprint = await readShop(db, source, state, options);
  const findings = await checkAll(db, source, blueprint, state, options);
  requireNoMistake(findings);
  const plan = planUp(blueprint, state, options);
  const remarks = [...findings, ...describeLostGrants(blueprint, state)];
  if (titles(plan).length > 0 && blueprint.context !== undefined) {
    const text = await sayFirstSweep(db, blueprint.context, blueprint, state);
    remarks.push(...(await sayActions(db, blueprint, state)), remark('first_sweep', text));
  }
  return { plan, remarks, state, blueprint };
}

async function proposeDown(db: Connection, source: Source, losses: Losses): Promise<Proposed> {
  const state = await readState(db, source);
  const remarks = await checkDown(db, source, state, losses);
  requireNoMistake(remarks);
  return { plan: planDown(source, state, await readOtherSchemas(db, state)), remarks };
}

const titles = (plan: Plan) => allSteps(plan).map(({ title }) => title);
