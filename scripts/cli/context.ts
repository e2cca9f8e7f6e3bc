import { createInterface } from 'node:readline/promises';
import { isatty } from 'node:tty';
import picocolors from 'picocolors';
import type { ExitCode } from './errors';

/** The world as a command sees it, so that tests can be it. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For what was asked for: a report, JSON, SQL. */
  readonly out: (text: string) => void;
  /** For what happens meanwhile, and for errors. */
  readonly err: (text: string) => void;
  /** Somebody sits there and can answer. */
  readonly isInteractive: boolean;
  /** What is written to `err` may move the cursor. */
  readonly showsProgress: boolean;
  readonly colors: Colors;
  readonly ask: (question: string) => Promise<string>;
  /** With which code the process is to end. */
  readonly end: (code: ExitCode) => void;
}

export type Colors = ReturnType<typeof picocolors.createColors>;

/** One line; empty for Ctrl-C and Ctrl-D. */
export async function askOn(
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
  question: string,
): Promise<string> {
  const lines = createInterface({ input, output });
  try {
    return await lines.question(question);
  } catch {
    output.write('\n');
    return '';
  } finally {
    lines.close();
  }
}

/** This process. Colours only on a terminal, and not under NO_COLOR. */
export function processContext(): Context {
  const { stdin, stdout, stderr } = process;
  const wantsColors = isatty(1) && (process.env.NO_COLOR ?? '') === '';
  return {
    env: process.env,
    out: (text) => stdout.write(`${text}\n`),
    err: (text) => stderr.write(text),
    isInteractive: stdin.isTTY && stdout.isTTY,
    showsProgress: stderr.isTTY,
    colors: picocolors.createColors(wantsColors),
    ask: (question) => askOn(stdin, stderr, question),
    end: (code) => {
      process.exitCode = code;
    },
  };
}
