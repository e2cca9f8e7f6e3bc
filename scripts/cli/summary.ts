/** More objects of one kind than these are counted instead of listed. */
const MOST_LISTED = 4;

/** The steps of a deployment, a line each; many alike ("procedure a: new", "procedure b: new") are one line. */
export function summarise(steps: readonly string[]): string[] {
  const alike = new Map<string, string[]>();
  for (const step of steps) {
    const key = likeness(step);
    alike.set(key, [...(alike.get(key) ?? []), step]);
  }
  return [...alike].flatMap(([key, group]) =>
    group.length > MOST_LISTED ? [`${group.length} ${key}`] : group,
  );
}

function likeness(step: string): string {
  const [, kind, what] = /^(view|procedure) \w+: (.+)$/s.exec(step) ?? [];
  return kind === undefined || what === undefined ? step : `${kind}s: ${what}`;
}
