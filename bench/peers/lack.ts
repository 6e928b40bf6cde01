import { load, versionsOf } from './load.ts';

interface Sqlite {
  default: new (file: string) => unknown;
}

/** Returns why a package of this folder cannot be used, and the repair; null when it can. */
export function lackOfPackage(name: string): Promise<string | null> {
  // A package of the same name above this folder is another one.
  return lackOf(name, 'Install it: npm ci in bench/peers.', () => versionsOf(name));
}

/** The same for a version of better-sqlite3: its constructor loads an addon that may not have been built. */
export function lackOfSqlite(name: string): Promise<string | null> {
  const mend = `Build it: npm rebuild ${name} --ignore-scripts=false in bench/peers. Without a prebuilt binary, this needs Python, make and a C++ compiler.`;
  return lackOf<Sqlite>(name, mend, ({ default: Database }) => new Database(':memory:'));
}

async function lackOf<Face>(
  name: string,
  mend: string,
  attempt: (face: Face) => unknown,
): Promise<string | null> {
  try {
    attempt(await load<Face>(name));
    return null;
  } catch (error) {
    const [why = ''] = String(error).split('\n');
    return `Expected ${name} to load from bench/peers, got ${why.replace(/[.:]?( Tried:)?$/, '.')} ${mend}`;
  }
}
