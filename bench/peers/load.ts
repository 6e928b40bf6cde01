import { readFileSync } from 'node:fs';

/**
 * Loads a package of this folder. The name is not a literal and the interface is declared here, so the repository can be
 * type-checked where the peers are not installed.
 */
export async function load<Face>(name: string): Promise<Face> {
  return (await import(name)) as Face;
}

/** Returns the names and versions of packages that are installed in this folder, as text. */
export function versionsOf(...names: string[]): string {
  return names
    .map((folder) => {
      const manifest = new URL(`./node_modules/${folder}/package.json`, import.meta.url);
      const { name, version } = JSON.parse(readFileSync(manifest, 'utf8'));
      return `${name} ${version}`;
    })
    .join(', ');
}
