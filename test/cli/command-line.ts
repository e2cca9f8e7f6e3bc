import picocolors from 'picocolors';
import type { Context } from '../../scripts/cli/context';
import { runCli } from '../../scripts/cli/program';
import type { Shop } from '../support';

export interface Ended {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
  /** What was asked. */
  readonly questions: readonly string[];
}

export interface Surroundings {
  /** What somebody at the terminal answers; without it nobody sits there. */
  readonly answer?: string;
  /** Default: the shop's. */
  readonly url?: string;
}

/** Runs a command line against a shop, without a process of its own. */
export async function commandLine(
  shop: Shop,
  args: readonly string[],
  { answer, url = shop.url }: Surroundings = {},
): Promise<Ended> {
  const out: string[] = [];
  const err: string[] = [];
  const questions: string[] = [];
  let exitCode = 0;
  const context: Context = {
    env: { MYSQL_URL: url },
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

/** The same with --json, parsed. */
export async function json(shop: Shop, args: readonly string[]): Promise<unknown> {
  const { out, err } = await commandLine(shop, [...args, '--json']);
  if (err !== '') throw new Error(err);
  return JSON.parse(out) as unknown;
}
