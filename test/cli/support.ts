import picocolors from 'picocolors';
import type { Context } from '../../scripts/cli/context';
import type { ExitCode } from '../../scripts/cli/errors';
import { runCli } from '../../scripts/cli/program';
import type { Shop } from '../support';

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: ExitCode;
  /** What was asked. */
  readonly questions: readonly string[];
}

/** Runs a command line in this process. `answer`: what somebody at a terminal types; without it nobody sits there. */
export async function run(
  args: readonly string[],
  { env = {}, answer }: { env?: Record<string, string>; answer?: string } = {},
): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const questions: string[] = [];
  let exitCode: ExitCode = 0;
  const context: Context = {
    env,
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    isInteractive: answer !== undefined,
    showsProgress: false,
    colors: picocolors.createColors(false),
    ask: (question) => {
      questions.push(question);
      return Promise.resolve(answer ?? '');
    },
    end: (code) => {
      exitCode = code;
    },
  };
  await runCli(args, context);
  return { out: out.join('\n'), err: err.join(''), exitCode, questions };
}

/** Runs a command line against a shop. `url`: another than the shop's own. */
export function commandLine(
  shop: Shop,
  args: readonly string[],
  { url = shop.url, ...terminal }: { url?: string; answer?: string } = {},
): Promise<Ran> {
  return run(args, { env: { MYSQL_URL: url }, ...terminal });
}

/** The same with --json, parsed. */
export async function json(shop: Shop, args: readonly string[]): Promise<unknown> {
  const { out, err } = await commandLine(shop, [...args, '--json']);
  if (err !== '') throw new Error(err);
  return JSON.parse(out) as unknown;
}
