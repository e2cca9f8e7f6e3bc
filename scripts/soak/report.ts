import Table from 'cli-table3';
import type { SoakReport } from './soak';

/** One table of what happened, and how to have it again. */
export function renderReport({ seed, seconds, counters, checks, violation }: SoakReport): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right'],
  });
  for (const section of ['what happened', 'faults'] as const) {
    table.push([{ content: section, colSpan: 2 }]);
    for (const [name, count] of counters.of(section)) table.push([`  ${name}`, count]);
  }
  table.push(['checks of all invariants', checks]);
  table.push(['violations', violation === undefined ? 0 : 1]);
  const verdict =
    violation === undefined
      ? 'No violation.'
      : `Violation of "${violation.invariant}"\n  ${violation.detail}`;
  return `${table.toString()}\n${verdict}\nThe same again: npm run soak -- --minutes ${minutes(seconds)} --seed ${seed}`;
}

const minutes = (seconds: number) => Number((seconds / 60).toFixed(2));
