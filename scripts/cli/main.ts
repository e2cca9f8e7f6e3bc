#!/usr/bin/env node
import { processContext } from './context';
import { EXIT } from './errors';
import { runCli } from './program';

// A reader that has seen enough, such as head or less, closes the pipe. The work goes on: it may be a deployment.
// So it does where the disk is full, and then the answer is not whole.
let lost: string | undefined;
for (const stream of [process.stdout, process.stderr])
  stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') lost = message;
  });

process.on('exit', () => {
  if (lost === undefined) return;
  process.exitCode = EXIT.failed;
  process.stderr.write(`The answer could not be written: ${lost}\n`);
});

void runCli(process.argv.slice(2), processContext());
