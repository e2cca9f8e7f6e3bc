// The process behind watchdog.ts. It is the parent of what it runs, so that a process id it kills
// is never someone else's, and it outlives its owner just long enough to clean up.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import process from 'node:process';

/** @type {{ removes: string[], lastly: string[] }} */
const duties = JSON.parse(process.argv[2] ?? '');
/** @type {Map<number, import('node:child_process').ChildProcess>} by the owner's number of the run */
const running = new Map();
let ending = false;

process.on('message', (message) => {
  if (message.do === 'run') run(message);
  if (message.do === 'signal') signalGroup(running.get(message.run), message.signal);
  if (message.do === 'end') end();
});
process.on('disconnect', end);
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(signal, end);

function run({ run, command, args, log, cwd, env }) {
  const output = log === undefined ? 'ignore' : openSync(log, 'a');
  // A process group of its own: whatever the command starts can be killed with it.
  const child = spawn(command, args, {
    stdio: ['ignore', output, output],
    detached: true,
    cwd,
    env,
  });
  if (output !== 'ignore') closeSync(output);
  running.set(run, child);
  child.once('spawn', () => tell({ run, pid: child.pid }));
  child.once('error', (error) => {
    running.delete(run);
    tell({ run, failed: error.message });
  });
  child.once('exit', (code, signal) => {
    running.delete(run);
    tell({ run, code, signal });
    if (ending) finish();
  });
}

function end() {
  if (ending) return;
  ending = true;
  for (const child of running.values()) signalGroup(child, 'SIGKILL');
  finish();
}

function finish() {
  if (running.size > 0) return;
  const [command, ...args] = duties.lastly;
  if (command !== undefined) spawnSync(command, args, { stdio: 'ignore', timeout: 60_000 });
  for (const path of duties.removes) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  process.exit();
}

function signalGroup(child, signal) {
  try {
    if (child?.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It has just ended by itself.
  }
}

function tell(message) {
  // The owner may be gone by now: then there is nobody to tell.
  if (process.connected) process.send(message, () => undefined);
}
