interface Named {
  readonly name: string;
  readonly text: string;
}

/** Orders files so that each comes after those whose names stand in its statements. Throws an Error on a circle. */
export function inOrderOfUse<T extends Named>(files: readonly T[]): T[] {
  const ordered: T[] = [];
  const visit = (file: T, path: readonly string[]) => {
    if (ordered.includes(file)) return;
    if (path.includes(file.name)) {
      throw new Error(`These files use each other: ${[...path, file.name].join(' -> ')}`);
    }
    for (const used of files.filter((other) => other !== file && uses(file, other))) {
      visit(used, [...path, file.name]);
    }
    ordered.push(file);
  };
  for (const file of files) visit(file, []);
  return ordered;
}

/** Whether the other's name stands in a statement of the file. */
export function uses(file: Named, other: Named): boolean {
  const withoutComments = file.text.replace(/^\s*--.*$/gm, '');
  return new RegExp(`\\b${other.name}\\b`).test(withoutComments);
}
