import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Larger files are left out, so that the words of a file always fit into the arguments of a job (1 MiB). */
const largestFileBytes = 512 * 1024;

const leftOutFolders = new Set(['node_modules', 'dist', 'coverage', 'build', 'out']);

/** The text files of a folder. */
export interface TextFiles {
  /** Paths relative to the folder, sorted by code unit. */
  readonly paths: readonly string[];
  /** The number of other files, by reason. Files in folders that are left out are not counted. */
  readonly leftOut: { readonly [reason: string]: number };
}

/** Finds the text files in a folder and its subfolders. Symbolic links are not followed. */
export async function textFilesIn(folder: string): Promise<TextFiles> {
  const paths: string[] = [];
  const leftOut: Record<string, number> = {};
  for await (const path of filesIn(folder, '')) {
    const reason = await reasonToLeaveOut(join(folder, path));
    if (reason === null) paths.push(path);
    else leftOut[reason] = (leftOut[reason] ?? 0) + 1;
  }
  return { paths: paths.sort(), leftOut };
}

async function* filesIn(folder: string, prefix: string): AsyncGenerator<string> {
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const path = prefix + entry.name;
    if (entry.isFile()) yield path;
    const isInput = !entry.name.startsWith('.') && !leftOutFolders.has(entry.name);
    if (entry.isDirectory() && isInput) yield* filesIn(folder, `${path}/`);
  }
}

async function reasonToLeaveOut(path: string): Promise<string | null> {
  try {
    if ((await stat(path)).size > largestFileBytes) return `above ${largestFileBytes / 1024} KiB`;
    return (await isBinary(path)) ? 'binary' : null;
  } catch {
    return 'unreadable';
  }
}

async function isBinary(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8192), 0, 8192, 0);
    return buffer.subarray(0, bytesRead).includes(0);
  } finally {
    await file.close();
  }
}
