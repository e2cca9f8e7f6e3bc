/** An index as information_schema.statistics has it. */
export interface Index {
  readonly table: string;
  readonly name: string;
  readonly parts: readonly IndexPart[];
  readonly visible: boolean;
  readonly unique: boolean;
  /** BTREE, HASH, FULLTEXT, SPATIAL. */
  readonly type: string;
}

export interface IndexPart {
  /** Null: an expression. */
  readonly column: string | null;
  /** Leading characters in the index; null: the whole column. */
  readonly prefix: number | null;
  readonly descending: boolean;
}

/** As many characters as the longest id has digits: a shorter part of a text does not tell ids apart. */
const ENOUGH_CHARACTERS = 20;

/** A longer text column is indexed by this many characters, so that the key fits every row format. */
const LONGEST_INDEXED_TEXT = 64;

/** Whether the index leads with these columns, in this order, so that a search by them is served. */
export function leadsWith(index: Index, columns: readonly string[]): boolean {
  return (
    index.visible &&
    index.type === 'BTREE' &&
    columns.every((column, position) => {
      const part = index.parts[position];
      return (
        part?.column?.toLowerCase() === column.toLowerCase() &&
        !part.descending &&
        (part.prefix === null || part.prefix >= ENOUGH_CHARACTERS)
      );
    })
  );
}

export function describeIndex({ name, parts }: Index): string {
  const columns = parts.map(
    ({ column, prefix }) => (column ?? 'an expression') + (prefix === null ? '' : `(${prefix})`),
  );
  return `${name} (${columns.join(', ')})`;
}

/** How a column goes into a new index. `characters` is null for columns that are not text. */
export function indexedColumn(column: string, characters: number | null): string {
  return characters !== null && characters > LONGEST_INDEXED_TEXT
    ? `${column}(${LONGEST_INDEXED_TEXT})`
    : column;
}
