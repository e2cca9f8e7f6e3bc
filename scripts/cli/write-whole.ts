import { rename, rm, writeFile } from 'node:fs/promises';

/** Writes a file so that nobody ever sees half of it. Needs to write in its directory. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
