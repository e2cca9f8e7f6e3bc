import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Bench, openBench } from './bench';
import { readOptions } from './options';
import { measureGrowth } from './parts/growth';
import { measureNeighbours } from './parts/neighbours';
import { measureSingleCalls } from './parts/single-call';
import { measureStatements } from './parts/statements';
import { measureThroughput } from './parts/throughput';
import { measureTicks } from './parts/ticks';
import { exitCodeOf, readRatios } from './ratios';
import { toChart } from './report/chart';
import { toTables } from './report/tables';
import type { Report, Results } from './results';
import { startBenchServer } from './server';
import type { Part } from './sizes';
import { describeSurroundings } from './surroundings';

async function main(): Promise<void> {
  const options = readOptions(process.argv);
  const startedAt = new Date();
  const progress = (line: string) => {
    const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
    process.stderr.write(`${String(seconds).padStart(5)} s  ${line}\n`);
  };
  const server = await startBenchServer(progress);
  const bench = openBench(server, options.sizes, progress);
  try {
    const surroundings = await describeSurroundings(server);
    const results = await measure(bench, options.parts);
    const report: Report = {
      startedAt: startedAt.toISOString(),
      durationSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
      surroundings,
      results,
      ratios: readRatios(results),
    };
    process.stdout.write(`${toTables(report)}\n`);
    if (options.json !== undefined) await write(options.json, JSON.stringify(report, null, 2));
    if (options.svg !== undefined) await write(options.svg, toChart(report));
    process.exitCode = exitCodeOf(report.ratios);
  } finally {
    await bench.close();
    await server.stop();
  }
}

async function measure(bench: Bench, parts: readonly Part[]): Promise<Results> {
  const has = (part: Part) => parts.includes(part);
  const { idleShop, growingShops } = bench.sizes;
  const shops = [...(has('idle') ? [idleShop] : []), ...(has('growth') ? growingShops : [])];
  return {
    // Latencies first: InnoDB purges and flushes for minutes after the large loads of the others.
    ...(has('single') && { single: await measureSingleCalls(bench) }),
    ...(has('neighbours') && { neighbours: await measureNeighbours(bench) }),
    ...(has('throughput') && { throughput: await measureThroughput(bench) }),
    ...(has('growth') && { growth: await measureGrowth(bench) }),
    ...(shops.length > 0 && { ticks: await measureTicks(bench, shops) }),
    ...(has('statements') && { statements: await measureStatements(bench) }),
  };
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${text}\n`);
  process.stderr.write(`Written: ${file}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
});
