import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeFrame, toHex } from '../../src/store/json/journal/frame.ts';
import { journalName, snapshotName } from '../../src/store/json/ports/directory.ts';
import { encodeSnapshotHeader } from '../../src/store/json/snapshot/snapshot-format.ts';

/** An entry of a journal as it is in the file. */
export interface RawEntry {
  on: string;
  ev: string;
  from?: string | null;
  to?: string | null;
  q: number;
  // biome-ignore lint/suspicious/noExplicitAny: a forger writes what it likes
  patch?: any;
  gone?: boolean;
}

/**
 * Rewrites the newest journal of a closed store as an attacker who knows the format would: lengths, checksums
 * and the chain are right again, and the clean marker, which would reveal it, is gone.
 *
 * @param edit - gets the JSON text of a line and returns another.
 */
export function forgeJournal(dir: string, edit: (line: string) => string): void {
  const path = join(dir, journalName(newestJournal(dir)));
  const [header = '', ...lines] = framesOf(path);
  let { bytes, crc } = encodeFrame(header);
  const out = [bytes];
  for (const line of lines) {
    const edited = edit(line).replace(/"p":"[0-9a-f]{8}"/, `"p":"${toHex(crc)}"`);
    ({ bytes, crc } = encodeFrame(edited));
    out.push(bytes);
  }
  writeFileSync(path, Buffer.concat(out));
  rmSync(join(dir, 'clean.json'), { force: true });
}

/**
 * Like `forgeJournal`, entry by entry. The file gets the entry as `edit` changes it, or what `edit` returns
 * instead.
 */
export function forgeEntries(dir: string, edit: (entry: RawEntry) => RawEntry | undefined): void {
  forgeJournal(dir, (line) => {
    const { o, ...rest } = JSON.parse(line) as { o: RawEntry[] };
    const entries = o.map((entry) => edit(entry) ?? entry);
    return JSON.stringify({ ...rest, o: entries });
  });
}

/** Rewrites the records of the snapshot, each a line of JSON; its digests are right again. */
export function forgeSnapshot(dir: string, edit: (record: string) => string): void {
  const path = join(dir, snapshotName);
  const [first = '', ...rest] = readFileSync(path, 'utf8').split('\n');
  const header = JSON.parse(`${first.trimEnd().slice(0, -1)}}`).$store;
  const data = rest
    .join('\n')
    .slice('"data":'.length, -'}\n'.length)
    .split('\n')
    .map((line) =>
      /^\{"id"/.test(line) ? edit(line.replace(/,$/, '')) + (line.endsWith(',') ? ',' : '') : line,
    )
    .join('\n');
  const bytes = Buffer.byteLength(data);
  const sha256 = createHash('sha256').update(data).digest('hex');
  const { store, gen: generation, seq } = header;
  writeFileSync(path, `${encodeSnapshotHeader({ store, generation, seq, bytes, sha256 })}"data":${data}}\n`);
}

function newestJournal(dir: string): number {
  let newest = 1;
  while (existsSync(join(dir, journalName(newest + 1)))) newest += 1;
  return newest;
}

function framesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((frame) => frame.slice(18));
}
