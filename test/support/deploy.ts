import { readSource, type Source, up, type UpOptions } from '../../scripts/deploy';
import { withEventOff } from '../../scripts/dev/sources';
import { mutated } from '../mutations/mutations';
import { withProbes } from '../statements/probes';

/** Deploys as a DBA does; the event is switched off unless the test is about it. `shop`: a shop file. MUTATION: a bug to put in; SQL_PROBES: see test/statements. */
export async function deployEngine(
  url: string,
  {
    event,
    ...options
  }: { clock: string; event: boolean } & Pick<UpOptions, 'shop' | 'takeProposals'>,
): Promise<void> {
  const source = await deployedSource({ event });
  await up(url, { ...options, clockIsRight: true, source });
}

/** What deployEngine() deploys. */
export function deployedSource({ event }: { event: boolean }): Promise<Source> {
  const source = forTest(readSource());
  return Promise.resolve(event ? source : withEventOff(source));
}

function forTest(source: Source): Source {
  const { MUTATION: bug = '', SQL_PROBES: probes = '' } = process.env;
  if (bug !== '') return mutated(source, bug);
  return probes === '' ? source : withProbes(source).source;
}
