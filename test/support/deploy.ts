import { readSource, type Source, up } from '../../scripts/migrate';
import { mutated } from '../mutations/mutations';

/** Deploys as a DBA does; the event is switched off unless the test is about it. MUTATION: a bug to put in. */
export async function deployEngine(
  url: string,
  { clock, event }: { clock: string; event: boolean },
): Promise<void> {
  const bug = process.env.MUTATION ?? '';
  const source = bug === '' ? await readSource() : mutated(await readSource(), bug);
  await up(url, { clock, source: event ? source : withEventOff(source) });
}

/** An event fires once when it is created, so it has to be off from its first moment. */
function withEventOff(source: Source): Source {
  const objects = source.objects.map((object) =>
    object.kind === 'event'
      ? { ...object, text: object.text.replace(/^ *ENABLE$/m, '    DISABLE') }
      : object,
  );
  return { ...source, objects };
}
