import type { Progress } from '../migrate';
import type { Context } from './context';

/** One line that changes on a terminal; a line for each finished step elsewhere. */
export function progressTo({ err, showsProgress, colors }: Context): (progress: Progress) => void {
  return ({ title, number, total, durationMs }) => {
    const counter = `${String(number).padStart(String(total).length)}/${total}`;
    if (showsProgress) {
      const isLast = number === total && durationMs !== undefined;
      err(isLast ? '\r\u001B[K' : `\r\u001B[K${colors.dim(counter)} ${title}`);
    } else if (durationMs !== undefined) {
      err(`${counter} ${title} (${Math.round(durationMs)} ms)\n`);
    }
  };
}
