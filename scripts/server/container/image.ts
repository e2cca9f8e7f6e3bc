import type { ContainerRuntimeClient } from 'testcontainers';
import type { Log } from '../types';
import { buildImage, builtImage } from './build';
import { hasImage, imageIsHere } from './engine';

/** The current LTS, as Docker's official image names it. */
const DEFAULT_IMAGE = 'mysql:lts';

export interface Image {
  readonly name: string;
  /** Built here, because no registry could be reached. */
  readonly built: boolean;
}

/**
 * The image to run: the one that MYSQL_IMAGE names, else the official one, else one of the same
 * interface built from Debian's packages. What the engine has already comes before what it must pull.
 */
export async function chooseImage(engine: ContainerRuntimeClient, log: Log): Promise<Image> {
  const wanted = process.env.MYSQL_IMAGE ?? '';
  if (wanted !== '') {
    if (await hasImage(engine, wanted)) return { name: wanted, built: false };
    throw new Error(`the image ${wanted}, which MYSQL_IMAGE names, can't be had`);
  }
  if (await imageIsHere(engine, DEFAULT_IMAGE)) return { name: DEFAULT_IMAGE, built: false };
  const built = await builtImage();
  if (await imageIsHere(engine, built)) return { name: built, built: true };
  log(`Pulling the image ${DEFAULT_IMAGE}, once …`);
  if (await hasImage(engine, DEFAULT_IMAGE)) return { name: DEFAULT_IMAGE, built: false };
  return { name: await buildImage(engine, log), built: true };
}
