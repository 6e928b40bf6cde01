import { verifyStore } from 'signalbox/json';
import { SignalboxError } from '../../src/errors.ts';
import { type Image, MemoryFiles } from '../store/json/memory-files.ts';
import { type Damage, damages, type Specimen } from './damage.ts';
import { type Found, noLock, readStore, storeDir } from './recovered.ts';

/** How the store takes a damage. */
export interface Taken {
  readonly damage: Damage;
  /** An opening: refused with file and byte; `exact`: nothing is lost; `silent`: another state, without an error. */
  readonly opening: 'refused' | 'refused without a place' | 'exact' | 'silent';
  /** What must not be; null when it is taken as it should. */
  readonly verdict: string | null;
}

/** In a specimen. */
const lastJournal = 'journal-00000002.jsonl';

/**
 * Opens and verifies a store with each damage in turn.
 * @param every - 1 for all damages, 2 for every second …; those of whole files and lines always.
 */
export async function* sweep(specimen: Specimen, every: number): AsyncGenerator<Taken> {
  let count = 0;
  for (const damage of damages(specimen)) {
    count += 1;
    if (count % every !== 0 && !/missing|foreign/.test(damage.what)) continue;
    const image = damage.image();
    const opening = await openingOf(image, specimen.found);
    yield { damage, opening, verdict: await verdictOn(damage, image, opening, specimen) };
  }
}

/**
 * After a clean close nothing is silent. After a crash the end of the last journal may be lost in silence, since that
 * is what a torn write looks like; nothing else. A verification finds all damage that an opening does not.
 */
async function verdictOn(
  damage: Damage,
  image: Image,
  opening: Taken['opening'],
  specimen: Specimen,
): Promise<string | null> {
  if (opening === 'refused without a place') return 'an opening is refused without file and byte';
  if (opening === 'silent') {
    return isTornEnd(damage, specimen) ? null : 'an opening finds another state, and says nothing';
  }
  // Nothing shows that a file of history was ever there, or that a crash did not leave the marker away.
  if (damage.what === 'missing' && opening === 'exact' && damage.file !== 'snapshot.json') return null;
  return (await isNoticed(image)) ? null : 'a verification does not notice it';
}

function isTornEnd({ file, at, length }: Damage, { image, found }: Specimen): boolean {
  const end = image.files.get(`${storeDir}/${file}`)?.bytes.length;
  return !found.clean && file === lastJournal && at + length === end;
}

async function openingOf(image: Image, intact: Found): Promise<Taken['opening']> {
  try {
    const { seq, digest } = await readStore(new MemoryFiles(image), storeDir);
    return seq === intact.seq && digest === intact.digest ? 'exact' : 'silent';
  } catch (error) {
    return hasPlace(error) ? 'refused' : 'refused without a place';
  }
}

async function isNoticed(image: Image): Promise<boolean> {
  try {
    const { damage } = await verifyStore(storeDir, { files: new MemoryFiles(image), lock: noLock });
    return damage.some(hasPlace);
  } catch (error) {
    return hasPlace(error);
  }
}

/** A file and a byte. The version of a file is at its beginning, so its name is place enough. */
function hasPlace(error: unknown): boolean {
  if (!(error instanceof SignalboxError)) return false;
  const { file, byte } = error.details as { file?: string; byte?: number };
  return file !== undefined && (byte !== undefined || error.code === 'STORE_VERSION');
}
