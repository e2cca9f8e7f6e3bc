/** What the commands end with. */
export const EXIT = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
  /** What was looked at is not as it should be. */
  differs: 3,
  /** Another deployment of the same database is under way. */
  locked: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The command was given something that can't be meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
