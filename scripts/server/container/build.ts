import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';
import { oneAtATime } from '../cache';
import { unpackedPackages, unpackPackages } from '../debian/unpack';
import type { Log } from '../types';
import { imageIsHere } from './engine';

/** What the image has besides Debian's packages: accounts, and the entrypoint. */
const ROOTFS = join(__dirname, 'rootfs');
const ENTRYPOINT = '/usr/local/bin/docker-entrypoint.sh';
const REPOSITORY = 'order-timeout-mysql-from-debian';

/** The name under which the image is kept; another entrypoint is another image. */
export async function builtImage(): Promise<string> {
  const entrypoint = await readFile(join(ROOTFS, ENTRYPOINT));
  return `${REPOSITORY}:${createHash('sha256').update(entrypoint).digest('hex').slice(0, 12)}`;
}

/** Builds an image with the interface of the official one from Debian's packages, and keeps it. */
export async function buildImage(engine: ContainerRuntimeClient, log: Log): Promise<string> {
  const image = await builtImage();
  return oneAtATime('image', async () => {
    if (await imageIsHere(engine, image)) return image;
    const prefix = (await unpackedPackages()) ?? (await unpackPackages(log));
    log("Building an image from Debian's packages, once …");
    await importImage(engine, image, prefix);
    return image;
  });
}

async function importImage(
  engine: ContainerRuntimeClient,
  image: string,
  prefix: string,
): Promise<void> {
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  // Of our own files alone: Docker refuses an archive that names a folder twice.
  const own = (await readdir(ROOTFS, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(ROOTFS, join(entry.parentPath, entry.name)));
  const tar = spawn('tar', ['--create', ...owner, '-C', prefix, '.', '-C', ROOTFS, ...own], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [repo, tag] = image.split(':');
  const changes = [
    `ENTRYPOINT ["${ENTRYPOINT}"]`,
    'ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin',
    'VOLUME /var/lib/mysql',
    'EXPOSE 3306',
  ];
  const progress = await engine.container.dockerode.importImage(tar.stdout, { repo, tag, changes });
  progress.resume();
  await once(progress, 'end');
}
