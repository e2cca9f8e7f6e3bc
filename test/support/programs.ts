import { execFileSync } from 'node:child_process';

/** Whether a program that some tests need is here; otherwise one line says what is skipped, and how to get it. */
export function isInstalled(program: string, toGetIt: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    process.stdout.write(`Skipped what needs ${program}, which is not here: ${toGetIt}\n`);
    return false;
  }
}
