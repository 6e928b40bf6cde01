import type { Json } from '../../../../machines/json.ts';
import { newJobRecord } from '../../../model/jobs/step.ts';
import type { JobRecord, StoreRecord } from '../../../model/records/records.ts';
import { queueOf } from '../../../reading/job-place.ts';
import { Shown } from '../../../reading/shown.ts';
import { entriesOf, type HistoryEntry, type Line, type Patch } from '../../../store/entry.ts';
import type { StoreReader } from '../../../store/reader.ts';
import { noteOf } from '../job/notes.ts';

/** One entry of the journal, as it may be shown. */
export interface TailLine {
  readonly seq: number;
  readonly at: number;
  readonly event: string;
  readonly kind: string;
  readonly id: string;
  /** The job that it is about, itself or by an annotation of it; null: it is about none. */
  readonly job: string | null;
  /** The definition of that job. */
  readonly name: string | null;
  /** The queue that it belongs to, or is about; null: none. */
  readonly queue: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly ending: string | null;
  readonly by: string;
  /** What matters about it, in a few words, with what may be shown. */
  readonly note: string | null;
  /** Names of the values that it sets. Their values are on the page of the job. */
  readonly sets: readonly string[];
}

/** A job as far as the entries go that were read. */
interface KnownJob {
  record: JobRecord;
  /** Versions of its values: what each of them has to hide is hidden in all texts. */
  readonly patches: Patch[];
}

/** Jobs that are remembered, so that a long look costs bounded memory. */
const mostKnown = 10_000;
const mostPatches = 200;

/** Makes lines of entries, one after the other. `reader`: the store as it was before the first one, or later. */
export class TailLines {
  readonly #reader: StoreReader;
  readonly #jobs = new Map<string, KnownJob>();
  #shown: Shown | null = null;

  constructor(reader: StoreReader) {
    this.#reader = reader;
  }

  async *linesOf(stored: Line): AsyncGenerator<TailLine> {
    for (const entry of entriesOf(stored)) yield this.#lineOf(entry);
  }

  async #lineOf(entry: HistoryEntry): Promise<TailLine> {
    const { seq, at, event, kind, id, from, to, by, patch } = entry;
    this.#shown ??= await Shown.of(this.#reader);
    if (kind === 'store') this.#learnRules(patch);
    const job = kind === 'job' ? id : kind === 'annotation' ? id.slice(0, id.indexOf('/')) : null;
    const known = job === null ? null : await this.#jobOf(job);
    const note = known !== null && kind === 'job' ? this.#follow(known, entry) : null;
    const name = known?.record.name;
    return {
      ...{ seq, at, event, kind, id, job },
      name: name === undefined || name === '' ? null : name,
      queue: known === null ? queueNamed(kind, id) : await queueOf(this.#records, known.record),
      ...{ from, to, ending: typeof patch?.ending === 'string' ? patch.ending : null, by, note },
      sets: Object.keys(patch ?? {}),
    };
  }

  /** Applies an entry of a job, and says what matters about it. */
  #follow(known: KnownJob, entry: HistoryEntry): string | null {
    const { patch, to } = entry;
    const before = known.record;
    known.record = { ...before, ...patch, ...(to === null ? {} : { state: to }) } as JobRecord;
    if (patch !== null) known.patches.push(patch);
    if (known.patches.length > mostPatches) known.patches.shift();
    const shown = (this.#shown as Shown).job(known.record, known.patches);
    const values = shown.patch(before as unknown as Patch) as Readonly<Record<string, Json>>;
    const note = noteOf({ ...entry, patch: patch === null ? null : shown.patch(patch) }, values);
    return note === null ? null : shown.text(note);
  }

  /** A definition that came later may hide something. */
  #learnRules(patch: Patch | null): void {
    const rules = patch?.redactions as StoreRecord['redactions'] | undefined;
    if (rules != null) this.#shown = new Shown(rules);
  }

  async #jobOf(id: string): Promise<KnownJob> {
    const known = this.#jobs.get(id) ?? {
      record: (await this.#reader.get('job', id)) ?? newJobRecord(id, { name: '' }),
      patches: await this.#patchesOf(id),
    };
    // Again at the end of the order: what was not heard of for longest is forgotten first.
    this.#jobs.delete(id);
    this.#jobs.set(id, known);
    const [oldest] = this.#jobs.keys();
    if (this.#jobs.size > mostKnown && oldest !== undefined) this.#jobs.delete(oldest);
    return known;
  }

  async #patchesOf(id: string): Promise<Patch[]> {
    const patches: Patch[] = [];
    for await (const { patch } of this.#reader.history('job', id)) {
      if (patch !== null) patches.unshift(patch);
      if (patches.length >= mostPatches) break;
    }
    return patches;
  }

  /** Records for the way to the queue: as they are known here. */
  readonly #records: Pick<StoreReader, 'get'> = {
    get: async (kind, id) =>
      (kind === 'job' ? this.#jobs.get(id)?.record : undefined) ?? (await this.#reader.get(kind, id)),
  } as Pick<StoreReader, 'get'>;
}

function queueNamed(kind: string, id: string): string | null {
  if (kind === 'queue') return id;
  return ['quota', 'schedule', 'representation', 'agent'].includes(kind)
    ? id.slice(0, id.indexOf('/'))
    : null;
}
