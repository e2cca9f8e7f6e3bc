const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interruption {
  /** Resolves at Ctrl-C and its like. */
  readonly interrupted: Promise<undefined>;
  /** Gives the signals back. */
  readonly stopListening: () => void;
}

export function listenForInterruption(): Interruption {
  let onSignal = () => undefined;
  const interrupted = new Promise<undefined>((resolve) => {
    onSignal = () => {
      resolve(undefined);
      return undefined;
    };
  });
  for (const signal of SIGNALS) process.on(signal, onSignal);
  // Node ends a process that waits for signals only.
  const staysAwake = setInterval(() => undefined, 2 ** 30);
  return {
    interrupted,
    stopListening: () => {
      clearInterval(staysAwake);
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
