import { type FileContent, type Image, MemoryFiles } from '../store/json/memory-files.ts';
import { atOnce, randomFrom } from './conduct.ts';
import { Expectations } from './expectations.ts';
import { type Found, readStore, storeDir } from './recovered.ts';
import { Session } from './session.ts';
import { drawChanges, emptyDisk } from './workload.ts';

/** One way in which files are not as they were written. */
export interface Damage {
  /** The file, without its directory. */
  readonly file: string;
  readonly what: 'byte' | 'cut' | 'deleted' | 'doubled' | 'zeroed' | 'missing' | 'foreign' | 'foreign line';
  /** Where in the file. */
  readonly at: number;
  /** How many bytes from there on are changed, or were. */
  readonly length: number;
  /** The files with this damage. */
  image(): Image;
}

/** A closed store with two snapshots and two journals, one that was made alike, and what the first holds. */
export interface Specimen {
  readonly image: Image;
  readonly other: Image;
  readonly found: Found;
}

const flippedBits = [0x01, 0x20, 0x80];
const otherBytes = [0x00, 0x0a];
const pieceBytes = 16;

/** Makes a small store that was opened twice, and is closed. */
export async function makeSpecimen(): Promise<Specimen> {
  const [image, other] = [await closedStore('one'), await closedStore('two')];
  const { seq, digest, clean } = await readStore(new MemoryFiles(image), storeDir);
  return { image, other, found: { seq, digest, clean } };
}

/** The same as after a crash: without its clean marker. */
export function unclosed({ image, other, found }: Specimen): Specimen {
  return { image: without(image, `${storeDir}/clean.json`), other, found: { ...found, clean: false } };
}

async function closedStore(ids: string): Promise<Image> {
  const files = new MemoryFiles(emptyDisk);
  const expectations = Expectations.from(await readStore(new MemoryFiles(emptyDisk), storeDir));
  const random = randomFrom(1);
  for (let opening = 1; opening <= 2; opening += 1) {
    const options = { ids: `${ids}${opening}-`, checkpointMinBytes: 1e9, historyMaxBytes: 1e9 };
    const session = await Session.open(files, expectations, atOnce(files), options);
    for (let index = 0; index < 3; index += 1) await session.commit(drawChanges(random));
    await session.close();
  }
  return files.image();
}

/**
 * Every byte changed in five ways, every length that a file may be cut to, every 16 bytes deleted, doubled or zeroed,
 * every file missing or another store's, every line of a journal another store's.
 */
export function* damages(specimen: Specimen): Generator<Damage> {
  const seen = new Set<FileContent>();
  for (const [path, content] of specimen.image.files) {
    yield* ofName(specimen, path);
    // The names of one file are damaged together: one of them is enough.
    if (!seen.has(content)) yield* ofContent(specimen, path, content);
    seen.add(content);
  }
}

function* ofName({ image, other }: Specimen, path: string): Generator<Damage> {
  const file = path.slice(storeDir.length + 1);
  const { length } = image.files.get(path)?.bytes ?? [];
  const foreign = other.files.get(path);
  yield { file, what: 'missing', at: 0, length: length ?? 0, image: () => without(image, path) };
  if (foreign === undefined) return;
  yield {
    file,
    what: 'foreign',
    at: 0,
    length: length ?? 0,
    image: () => ({ ...image, files: new Map(image.files).set(path, foreign) }),
  };
}

function* ofContent({ image, other }: Specimen, path: string, content: FileContent): Generator<Damage> {
  const { bytes } = content;
  const made = (what: Damage['what'], at: number, length: number, change: () => Uint8Array): Damage => ({
    file: path.slice(storeDir.length + 1),
    what,
    at,
    length,
    image: () => exchanged(image, content, { bytes: change() }),
  });
  for (const [at, byte] of bytes.entries()) {
    for (const value of [...flippedBits.map((bits) => byte ^ bits), ...otherBytes]) {
      if (value !== byte) yield made('byte', at, 1, () => bytes.with(at, value));
    }
    yield made('cut', at, bytes.length - at, () => bytes.slice(0, at));
    const end = at + pieceBytes;
    if (end > bytes.length) continue;
    const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    yield made('deleted', at, pieceBytes, () => Buffer.concat([before, after]));
    yield made('doubled', at, pieceBytes, () => Buffer.concat([before, piece, piece, after]));
    yield made('zeroed', at, pieceBytes, () => Buffer.concat([before, Buffer.alloc(pieceBytes), after]));
  }
  if (!path.includes('/journal-')) return;
  const [own, others] = [linesOf(bytes), linesOf(other.files.get(path)?.bytes ?? bytes)];
  for (const [index, line] of own.entries()) {
    const foreign = others[index] ?? line;
    const at = own.slice(0, index).reduce((sum, each) => sum + each.length, 0);
    if (foreign.equals(line)) continue;
    yield made('foreign line', at, line.length, () => Buffer.concat(own.with(index, foreign)));
  }
}

function linesOf(bytes: Uint8Array): Buffer[] {
  const lines = Buffer.from(bytes)
    .toString('latin1')
    .split(/(?<=\n)/);
  return lines.map((line) => Buffer.from(line, 'latin1'));
}

function exchanged(image: Image, old: FileContent, content: FileContent): Image {
  const files = [...image.files].map(([path, each]) => [path, each === old ? content : each] as const);
  return { ...image, files: new Map(files) };
}

function without(image: Image, path: string): Image {
  const files = new Map(image.files);
  files.delete(path);
  return { ...image, files };
}
