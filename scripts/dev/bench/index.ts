import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toChart } from './chart';
import { DOCS, type Part, PARTS, readOptions } from './options';
import { measureCalls } from './parts/call';
import { measureCheckouts } from './parts/checkouts';
import { measureIdle } from './parts/idle';
import { measureNeighbour } from './parts/neighbour';
import { measureGrowth, measureShops, measureThroughput } from './parts/throughput';
import { measureStatements } from './parts/statements';
import { describeSurroundings, intoPage, ratiosOf, type Report, toTables } from './report';
import { exitCodeOf, failures, type Section } from './section';
import { type Bench, openBench } from './shop';

const MEASURES: Readonly<Record<Part, (bench: Bench) => Promise<Section>>> = {
  // Latencies first: InnoDB purges and flushes for minutes after the large loads of the others.
  call: measureCalls,
  neighbour: measureNeighbour,
  throughput: measureThroughput,
  growth: measureGrowth,
  shops: measureShops,
  checkouts: measureCheckouts,
  idle: measureIdle,
  statements: measureStatements,
};

async function main(): Promise<void> {
  const options = readOptions(process.argv);
  const recorded = JSON.parse(await readFile(join(DOCS, 'bench.json'), 'utf8')) as Report;
  const startedAt = new Date();
  const secondsSoFar = () => Math.round((Date.now() - startedAt.getTime()) / 1000);
  const bench = await openBench(options.sizes, (line) => {
    process.stderr.write(`${String(secondsSoFar()).padStart(5)} s  ${line}\n`);
  });
  try {
    const surroundings = await describeSurroundings(bench);
    const sections: Section[] = [];
    for (const part of PARTS) {
      if (options.parts.includes(part)) sections.push(await MEASURES[part](bench));
    }
    const report: Report = {
      startedAt: startedAt.toISOString(),
      durationSeconds: secondsSoFar(),
      surroundings,
      sections,
    };
    process.stdout.write(`${toTables(report)}\n`);
    const json = JSON.stringify(report, null, 2);
    if (options.json !== undefined) await write(options.json, json);
    if (options.writesDocs) {
      await write(join(DOCS, 'bench.json'), json);
      await write(join(DOCS, 'bench.svg'), toChart(report));
      const page = join(DOCS, 'performance.md');
      await write(page, intoPage(await readFile(page, 'utf8'), report).trimEnd());
    }
    const failed = failures(ratiosOf(report), ratiosOf(recorded));
    for (const { name } of failed)
      process.stderr.write(`Missed by far, and not so in docs/bench.json: ${name}\n`);
    process.exitCode = exitCodeOf(failed);
  } finally {
    await bench.close();
  }
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
