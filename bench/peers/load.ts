import { readFileSync } from 'node:fs';

/**
 * A package of this folder. Its name is no literal and its face is ours, so that the repository can be checked where the
 * peers are not installed.
 */
export async function load<Face>(name: string): Promise<Face> {
  return (await import(name)) as Face;
}

/** Name and version of installed packages of this folder, for people. */
export function versionsOf(...names: string[]): string {
  return names
    .map((name) => {
      const manifest = new URL(`./node_modules/${name}/package.json`, import.meta.url);
      return `${name} ${JSON.parse(readFileSync(manifest, 'utf8')).version}`;
    })
    .join(', ');
}
