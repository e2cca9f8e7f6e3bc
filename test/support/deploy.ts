import { readSource, type Source, up } from '../../scripts/migrate';

/** Deploys as a DBA does; the event is switched off unless the test is about it. */
export async function deployEngine(
  url: string,
  { clock, event }: { clock: string; event: boolean },
): Promise<void> {
  const source = await readSource();
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
