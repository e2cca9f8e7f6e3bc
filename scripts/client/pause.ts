/** Waits so many milliseconds, or until the signal is given. Of no module of Node's: bundles can't require one. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
    if (signal?.aborted) end();
  });
}

/** Does work again from its start, after the pause that its error is worth; undefined: it is not tried again. */
export async function retrying<Result>(
  work: () => Promise<Result>,
  pauseAfter: (error: unknown, retries: number) => number | undefined,
): Promise<Result> {
  for (let retries = 0; ; retries++) {
    try {
      return await work();
    } catch (error) {
      const ms = pauseAfter(error, retries);
      if (ms === undefined) throw error;
      await pause(ms);
    }
  }
}
