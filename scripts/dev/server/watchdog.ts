import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Duties {
  /** Folders and files that go when the watch ends. */
  readonly removes?: readonly string[];
  /** A command that is run when the watch ends, such as the removal of a container. */
  readonly lastly?: readonly string[];
}

export interface WatchedRun {
  /** Standard output and error are appended to this file; dropped when there is none. */
  readonly log?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface WatchedProcess {
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  signal(signal: NodeJS.Signals): void;
}

export interface Watchdog {
  /** Runs a command as the watchdog's child. Rejects when it can't be started. */
  run(command: string, args: readonly string[], options?: WatchedRun): Promise<WatchedProcess>;
  /** Kills what still runs and does the duties. Idempotent. */
  end(): Promise<void>;
}

type Report =
  { run: number; pid: number } | { run: number; failed: string } | ({ run: number } & ProcessEnd);

interface Run {
  started(process: WatchedProcess): void;
  failed(error: Error): void;
  ended(end: ProcessEnd): void;
}

/**
 * Starts a small process that runs commands for this one and cleans up after it, however this one
 * ends: by `end()`, Ctrl-C, an uncaught error or SIGKILL. It notices by the channel between the two,
 * which the operating system closes, and has a session of its own, so that a terminal's signals
 * don't reach it.
 */
export function startWatchdog(duties: Duties): Watchdog {
  const child = fork(
    join(__dirname, 'watchdog-process.mjs'),
    [JSON.stringify({ removes: duties.removes ?? [], lastly: duties.lastly ?? [] })],
    // Neither loaders nor a debugger of this process are of use to that one.
    {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
      cwd: '/',
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  const runs = new Map<number, Run>();
  const gone = once(child, 'exit').then(() => {
    for (const run of runs.values()) {
      run.failed(new Error('The watchdog process ended before it started the command.'));
      run.ended({ code: null, signal: 'SIGKILL' });
    }
  });
  let nextRun = 0;

  /** Says something that needn't be heard any more when the process has gone. */
  function tell(message: object): void {
    if (child.connected) child.send(message, () => undefined);
  }

  child.on('message', (report: Report) => {
    const run = runs.get(report.run);
    if (run === undefined) return;
    if ('pid' in report) {
      const { pid } = report;
      run.started({
        pid,
        ended: new Promise((resolve) => (run.ended = resolve)),
        signal: (signal) => {
          tell({ do: 'signal', run: report.run, signal });
        },
      });
      return;
    }
    runs.delete(report.run);
    if ('failed' in report) run.failed(new Error(report.failed));
    else run.ended({ code: report.code, signal: report.signal });
  });

  return {
    run: (command, args, options = {}) =>
      new Promise((resolve, reject) => {
        const run = nextRun++;
        runs.set(run, { started: resolve, failed: reject, ended: () => undefined });
        child.send({ do: 'run', run, command, args, env: process.env, ...options }, (error) => {
          if (error) reject(error);
        });
      }),
    end: async () => {
      tell({ do: 'end' });
      await gone;
    },
  };
}
