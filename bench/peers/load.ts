import { readFileSync } from 'node:fs';

/**
 * A package of this folder. Its name is no literal and its face is ours, so that the repository can be checked where the
 * peers are not installed.
 */
export async function load<Face>(name: string): Promise<Face> {
  return (await import(name)) as Face;
}

/** Names and versions of packages that are installed in this folder, for people. */
export function versionsOf(...names: string[]): string {
  return names
    .map((folder) => {
      const manifest = new URL(`./node_modules/${folder}/package.json`, import.meta.url);
      const { name, version } = JSON.parse(readFileSync(manifest, 'utf8'));
      return `${name} ${version}`;
    })
    .join(', ');
}
