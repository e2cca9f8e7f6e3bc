import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRuntimeClient } from 'testcontainers';

/** No container can be had, and that is nothing to talk about. */
export class NoEngine extends Error {}

const ANSWERS_WITHIN_MS = 5_000;

/** The Docker engine that testcontainers finds. Throws NoEngine when none answers in a few seconds. */
export async function findEngine(): Promise<ContainerRuntimeClient> {
  const { getContainerRuntimeClient } = await import('testcontainers').catch(() => {
    throw new NoEngine('the package testcontainers is not installed; npm ci installs it');
  });
  const engine = await Promise.race([
    getContainerRuntimeClient().catch(() => undefined),
    sleep(ANSWERS_WITHIN_MS, undefined, { ref: false }),
  ]);
  if (engine === undefined) throw new NoEngine('no engine answers');
  return engine;
}

/** Whether the engine has the image, without asking any registry. */
export async function imageIsHere(engine: ContainerRuntimeClient, name: string): Promise<boolean> {
  const { ImageName } = await import('testcontainers');
  return engine.image.exists(ImageName.fromString(name));
}

/** Whether the engine has the image, after pulling it if need be. */
export async function hasImage(engine: ContainerRuntimeClient, name: string): Promise<boolean> {
  if (await imageIsHere(engine, name)) return true;
  const { ImageName } = await import('testcontainers');
  await engine.image.pull(ImageName.fromString(name)).catch(() => undefined);
  return imageIsHere(engine, name);
}
