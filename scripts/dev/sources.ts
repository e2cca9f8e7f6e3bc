import { disabled, type ObjectSource, type Source } from '../deploy/source';

/** The source with other texts: of each object what `edit` makes of it. */
export const withTexts = (source: Source, edit: (object: ObjectSource) => string): Source => ({
  ...source,
  objects: source.objects.map((object) => ({ ...object, text: edit(object) })),
});

/** An event fires once when it is created, so it has to be off from its first moment. */
export const withEventOff = (source: Source) =>
  withTexts(source, ({ kind, text }) => (kind === 'event' ? disabled(text) : text));
