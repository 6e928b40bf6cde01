import { getOwn, setOwn } from '../checks/own-keys.ts';

/** What each definition hides, by its name, and each machine: the paths of `redact`. An empty list says that it hides nothing. */
export type RedactionRules = Readonly<Record<string, readonly string[]>>;

/**
 * Stored rules together with those of a process; null when they say all of that already. A path that one version of a
 * definition hid stays hidden: jobs of that version are still stored.
 */
export function grownRules(stored: RedactionRules, own: RedactionRules): RedactionRules | null {
  let grown: Record<string, readonly string[]> | null = null;
  for (const [name, paths] of Object.entries(own)) {
    const known = rulesOf(stored, name);
    if (known !== null && paths.every((path) => known.includes(path))) continue;
    grown ??= { ...stored };
    setOwn(grown, name, [...new Set([...(known ?? []), ...paths])].sort());
  }
  return grown;
}

/** Under which name the rules of a machine stand: no definition has a slash in its name. */
export function ruleOfMachine(machine: string): string {
  return `actor/${machine}`;
}

/** The rules of one definition; null when they are not known. */
export function rulesOf(rules: RedactionRules, name: string): readonly string[] | null {
  return getOwn(rules, name) ?? null;
}
