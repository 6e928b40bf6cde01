import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Larger files are left out, so that the words of one always fit into a job's arguments (1 MiB). */
const largestFileBytes = 512 * 1024;

const leftOutFolders = new Set(['node_modules', 'dist', 'coverage', 'build', 'out']);

/** What a folder holds for the index. */
export interface TextFiles {
  /** Paths below the folder, by code unit. */
  readonly paths: readonly string[];
  /** Files that are no input, counted by reason. Left out folders are not looked into. */
  readonly leftOut: { readonly [reason: string]: number };
}

/** The text files below a folder. Symbolic links are not followed. */
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
