import type { Connection } from 'mysql2/promise';
import { databaseCommand, withConnection } from './connection';
import type { Colors, Context } from './context';
import { EXIT, type ExitCode } from './errors';
import { toJson } from './output';

/** How a result is said. */
interface Words<Result> {
  /** For people. */
  readonly say: (result: Result, colors: Colors) => string;
  /** Default: done. */
  readonly exitCode?: (result: Result) => ExitCode;
}

/** A command whose answer is for people or for programs. */
export const askingCommand = (...words: Parameters<typeof databaseCommand>) =>
  databaseCommand(...words).option('--json', 'as JSON');

type AskingOptions = Readonly<ReturnType<ReturnType<typeof askingCommand>['opts']>>;

/** Asks the database for one thing, or has it do one thing, on a session of its own, and shows the answer. */
export async function answer<Result>(
  context: Context,
  options: AskingOptions,
  { ask, ...words }: Words<Result> & { readonly ask: (db: Connection) => Promise<Result> },
): Promise<void> {
  show(context, options, await withConnection(options, context, ask), words);
}

/** Prints a result for people or as JSON, and ends with its exit code. */
export function show<Result>(
  { out, end, colors }: Context,
  { json }: Pick<AskingOptions, 'json'>,
  result: Result,
  { say, exitCode = () => EXIT.done }: Words<Result>,
): void {
  out(json === true ? toJson(result) : say(result, colors));
  end(exitCode(result));
}
