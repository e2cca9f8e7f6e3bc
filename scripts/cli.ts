#!/usr/bin/env node
import { processContext } from './cli/context';
import { runCli } from './cli/program';

void runCli(process.argv.slice(2), processContext());
