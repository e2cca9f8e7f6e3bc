/** What a check saw. */
export interface Finding {
  /** Such as event, scheduler, replication. */
  readonly check: string;
  /** `fail`: the order timeout is not, or soon not, at work as it must be. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What it means and what to do; empty: nothing. */
  readonly advice: string;
}

export const ok = (check: string, found: string): Finding => ({
  check,
  status: 'ok',
  found,
  advice: '',
});

export const warn = (check: string, found: string, advice: string): Finding => ({
  check,
  status: 'warn',
  found,
  advice,
});

export const fail = (check: string, found: string, advice: string): Finding => ({
  check,
  status: 'fail',
  found,
  advice,
});
