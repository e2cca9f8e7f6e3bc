/** Lets actors work, or keeps them out until it opens again. */
export interface Gate {
  /** Waits until the gate is open, then does the work. */
  through<T>(work: () => Promise<T>): Promise<T>;
  /** Closes, and returns when nobody is at work any more. */
  close(): Promise<void>;
  open(): void;
}

export function makeGate(): Gate {
  let isOpen = true;
  let atWork = 0;
  let waiting: (() => void)[] = [];

  const changed = () => {
    const all = waiting;
    waiting = [];
    for (const wake of all) wake();
  };
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => waiting.push(resolve));
  };

  return {
    through: async (work) => {
      await until(() => isOpen);
      atWork += 1;
      try {
        return await work();
      } finally {
        atWork -= 1;
        changed();
      }
    },
    close: async () => {
      isOpen = false;
      await until(() => atWork === 0);
    },
    open: () => {
      isOpen = true;
      changed();
    },
  };
}
