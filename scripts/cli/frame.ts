import type { Connection } from 'mysql2/promise';
import { errnoOf } from '../deploy/errors';
import { type DatabaseOptions, withConnection } from './connection';
import type { Colors, Context } from './context';
import { EXIT, type ExitCode } from './errors';
import { toJson } from './output';

/** A command that asks the database for one thing, or has it do one thing, and says what it answers. */
export interface Question<Result> {
  readonly ask: (db: Connection) => Promise<Result>;
  /** For people. */
  readonly say: (result: Result, colors: Colors) => string;
  /** Default: done. */
  readonly exitCode?: (result: Result) => ExitCode;
}

/** Asks on a session of its own, and prints the answer for people or as JSON. */
export async function answer<Result>(
  context: Context,
  options: DatabaseOptions & { readonly json?: true | undefined },
  { ask, say, exitCode = () => EXIT.done }: Question<Result>,
): Promise<void> {
  const result = await withConnection(options, context, async (db) => {
    const answered = await ask(db);
    await requireCommitted(db);
    return answered;
  });
  context.out(options.json === true ? toJson(result) : say(result, context.colors));
  context.end(exitCode(result));
}

/** Nothing is said to be done that waits for a COMMIT: under autocommit no transaction is open here. */
export async function requireCommitted(db: Connection): Promise<void> {
  try {
    await db.query('SET TRANSACTION READ WRITE');
  } catch (error) {
    if (errnoOf(error) !== IN_TRANSACTION) throw error;
    throw new Error('The session is in a transaction that nobody commits: nothing was changed.', {
      cause: error,
    });
  }
}

const IN_TRANSACTION = 1568;
