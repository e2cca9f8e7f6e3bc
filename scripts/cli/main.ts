#!/usr/bin/env node
import { processContext } from './context';
import { runCli } from './program';

// A reader that has seen enough, such as head or less, closes the pipe. The work goes on: it may be a deployment.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

void runCli(process.argv.slice(2), processContext());
